"""Comparisons in which a VARIANT takes part.

Snowflake converts the VARIANT to the type of the other side. Two VARIANTs are
compared as numbers where both are numbers, and as text otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case, cast, wrap
from flight_server.dialects.coerce import EXACT_NUMBER, as_text, like_other
from flight_server.dialects.kinds import JSON, MOMENTS, NUMBERS, Kind, common, is_json, kind_of, typed
from flight_server.dialects.refuse import unsupported

_NUMERIC_JSON = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE")


def compared(operator: type[exp.Binary], left: Node, right: Node) -> Node:
    """Return `left operator right` with Snowflake's conversions."""
    if is_json(left) is not is_json(right) and Kind.UNKNOWN in (kind_of(left), kind_of(right)):
        return _by_type_at_run_time(operator, left, right)
    left, right = matched(left, right)
    ordered = operator not in (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
    if is_json(left) and is_json(right) and ordered:
        return _ordered(operator, left, right)
    return build.binary(operator, left, right, Kind.BOOLEAN)


def same(left: Node, right: Node) -> Node:
    """Return `left IS NOT DISTINCT FROM right`."""
    return compared(exp.NullSafeEQ, left, right)


def matched(left: Node, right: Node) -> tuple[Node, Node]:
    """Return both sides of a comparison, a VARIANT among them converted to the other's type."""
    if is_json(left) and not is_json(right):
        return _converted(left, right), right
    if is_json(right) and not is_json(left):
        return left, _converted(right, left)
    if kind_of(left) is Kind.TEXT and _leads(right, left):
        return like_other(left, kind_of(right)), right
    if kind_of(right) is Kind.TEXT and _leads(left, right):
        return left, like_other(right, kind_of(left))
    return left, right


def _leads(node: Node, text: Node) -> bool:
    """Tell whether a text takes the type of *node*; a constant date is left to the engine."""
    kind = kind_of(node)
    return kind in NUMBERS or (kind in MOMENTS and not isinstance(text, exp.Literal))


def _converted(node: Node, other: Node) -> Node:
    kind = kind_of(other)
    try:
        return like_other(node, kind)
    except KeyError:
        construct = f"the comparison of a VARIANT with a value of type {kind}"
        return build.refused_by_type(construct, node, other, instead="cast the VARIANT")


def _by_type_at_run_time(operator: type[exp.Binary], left: Node, right: Node) -> Node:
    """Compare a VARIANT with a value whose type only the engine knows, such as a parameter."""
    other = right if is_json(left) else left
    typed_as = call("typeof", other, kind=Kind.TEXT)

    def sides(sql_type: str, kind: Kind) -> Node:
        left_side, right_side = (
            cast(as_text(side), sql_type, kind)
            if is_json(side)
            else cast(cast(side, "VARCHAR", Kind.TEXT), sql_type, kind, safe=True)
            for side in (left, right)
        )
        return build.binary(operator, left_side, right_side, Kind.BOOLEAN)

    def among(*names: str) -> Node:
        found = exp.In(this=typed_as.copy(), expressions=[build.text(name) for name in names])
        return typed(found, Kind.BOOLEAN)

    branches = [
        (among("VARCHAR", "BOOLEAN", "UUID", "TIME"), sides("VARCHAR", Kind.TEXT)),
        (among("DOUBLE", "FLOAT"), sides("DOUBLE", Kind.FLOAT)),
        (among("DATE", "TIMESTAMP"), sides("TIMESTAMP", Kind.TIMESTAMP)),
        (among("TIMESTAMP WITH TIME ZONE"), sides("TIMESTAMPTZ", Kind.TIMESTAMP_TZ)),
    ]
    return case(branches, sides(EXACT_NUMBER, Kind.DECIMAL), Kind.BOOLEAN)


def _ordered(operator: type[exp.Binary], left: Node, right: Node) -> Node:
    numbers = build.all_of([is_number(left), is_number(right)])
    by_number = build.binary(operator, number_of(left), number_of(right), Kind.BOOLEAN)
    by_text = build.binary(operator, as_text(left), as_text(right), Kind.BOOLEAN)
    return case([(numbers, by_number)], by_text, Kind.BOOLEAN)


def is_number(node: Node) -> Node:
    """Return the test whether a VARIANT holds a number."""
    kinds = [build.text(kind) for kind in _NUMERIC_JSON]
    return typed(exp.In(this=call("json_type", node, kind=Kind.TEXT), expressions=kinds), Kind.BOOLEAN)


def number_of(node: Node) -> Node:
    """Return the number in a VARIANT, NULL where it holds none."""
    return cast(as_text(node), "DOUBLE", Kind.FLOAT, safe=True)


def sort_keys(node: Node) -> tuple[Node, Node]:
    """Return the two values by which a VARIANT is ordered: its number, then its text."""
    return case([(is_number(node), number_of(node))], kind=Kind.FLOAT), as_text(node)


def _comparison(node: Node) -> Node:
    if not isinstance(node, exp.Binary) or _is_plain(node.this, node.expression):
        return typed(node, Kind.BOOLEAN)
    return compared(type(node), node.this, node.expression)


def _is_plain(*nodes: Node) -> bool:
    """Tell whether a comparison needs no conversion: no VARIANT, and no text beside a number or date."""
    kinds = {kind_of(node) for node in nodes}
    return not kinds & JSON and not (Kind.TEXT in kinds and kinds & (NUMBERS | MOMENTS))


def _between(node: Node) -> Node:
    subject, low, high = node.this, node.args["low"], node.args["high"]
    if _is_plain(subject, low, high):
        return typed(node, Kind.BOOLEAN)
    return build.all_of([compared(exp.GTE, subject, low), compared(exp.LTE, subject, high)])


def _in(node: Node) -> Node:
    typed(node, Kind.BOOLEAN)
    query = node.args.get("query")
    if not is_json(node.this) and (query is not None or _is_plain(node.this, *node.expressions)):
        return node
    if query is None:
        return build.any_of([compared(exp.EQ, node.this, value) for value in node.expressions])
    if kind_of(query) is Kind.UNKNOWN:
        subject = build.refused_by_type("IN of a VARIANT and a subquery of unknown type", node.this, query)
        node.set("this", subject)
    elif kind_of(query) not in JSON:
        node.set("this", _converted(node.this, typed(exp.Null(), kind_of(query))))
    return node


def _simple_case(node: Node) -> Node:
    """Type a CASE; one with a VARIANT subject is turned into its searched form."""
    subject, ifs, default = node.this, node.args["ifs"], node.args.get("default")
    if subject is not None and any(map(is_json, (subject, *(branch.this for branch in ifs)))):
        for branch in ifs:
            branch.set("this", compared(exp.EQ, subject, branch.this))
        node.set("this", None)
    _same_results(node)
    return typed(node, common(*(branch.args["true"] for branch in ifs), default))


def _same_results(node: Node) -> None:
    """Turn the results of a CASE into JSON if one of them is."""
    branches, default = node.args["ifs"], node.args.get("default")
    results = [branch.args["true"] for branch in branches] + ([default] if default is not None else [])
    if not any(map(is_json, results)):
        return
    for branch in branches:
        branch.set("true", _json(branch.args["true"]))
    if default is not None:
        node.set("default", _json(default))


def _json(node: Node) -> Node:
    keep = is_json(node) or kind_of(node) is Kind.NULL
    return node if keep else call("to_json", node, kind=Kind.VARIANT)


def _like_any(node: Node) -> Node:
    """Write `LIKE ANY (..)` and `LIKE ALL (..)` as what they stand for."""
    patterns = node.expression
    if not isinstance(patterns, (exp.Any, exp.All)):
        return typed(_like(node.copy(), node.this, patterns), Kind.BOOLEAN)
    inner = patterns.this
    listed = (
        inner.expressions
        if isinstance(inner, exp.Tuple)
        else [inner.this]
        if isinstance(inner, exp.Paren)
        else None
    )
    if not listed:
        raise unsupported("LIKE ANY with a subquery")
    tests = [_like(type(node)(), node.this, pattern) for pattern in listed]
    return build.any_of(tests) if isinstance(patterns, exp.Any) else build.all_of(tests)


def _like(made: Node, subject: Node, pattern: Node) -> Node:
    made.set("this", wrap(as_text(subject)))
    made.set("expression", wrap(as_text(pattern)))
    return typed(made, Kind.BOOLEAN)


def _escape(node: Node) -> Node:
    """Move ESCAPE inside what a LIKE ANY became."""
    if isinstance(node.this, (exp.Like, exp.ILike)):
        return typed(node, Kind.BOOLEAN)
    for like in list(node.this.find_all(exp.Like, exp.ILike)):
        like.replace(exp.Escape(this=like.copy(), expression=node.expression.copy()))
    inner: Node = node.this
    return typed(inner, Kind.BOOLEAN)


RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    **dict.fromkeys(
        (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ), _comparison
    ),
    exp.Between: _between,
    exp.In: _in,
    exp.Case: _simple_case,
    exp.Like: _like_any,
    exp.ILike: _like_any,
    exp.Escape: _escape,
}
