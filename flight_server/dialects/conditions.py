"""Functions that choose between values, and those that treat NULL or zero in their own way."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case
from flight_server.dialects.coerce import as_boolean, as_number, as_variant
from flight_server.dialects.compare import compared, same
from flight_server.dialects.functions import Arguments, FunctionRule, expect, plain
from flight_server.dialects.kinds import JSON, Kind, common, is_json, kind_of


def alike(values: Arguments) -> list[Node]:
    """Return *values* as JSON if one of them is, so that they have one type."""
    if any(kind_of(value) in JSON for value in values):
        return [value if kind_of(value) is Kind.NULL else as_variant(value) for value in values]
    return list(values)


def _iff(arguments: Arguments) -> Node:
    expect("IFF", arguments, 3, 3)
    yes, no = alike(arguments[1:])
    return case([(as_boolean(arguments[0]), yes)], no, common(yes, no))


def _coalesce(arguments: Arguments) -> Node:
    expect("COALESCE", arguments, 1, None)
    values = alike(arguments)
    return call("coalesce", *values, kind=common(*values))


def _nvl2(arguments: Arguments) -> Node:
    expect("NVL2", arguments, 3, 3)
    yes, no = alike(arguments[1:])
    return case([(build.is_not_null(arguments[0]), yes)], no, common(yes, no))


def _decode(arguments: Arguments) -> Node:
    """Compare with IS NOT DISTINCT FROM: in DECODE a NULL finds a NULL."""
    expect("DECODE", arguments, 3, None)
    subject, rest = arguments[0], arguments[1:]
    results = alike([*rest[1::2], *([rest[-1]] if len(rest) % 2 else [])])
    default = results.pop() if len(rest) % 2 else None
    branches = [(same(subject, search), result) for search, result in zip(rest[0::2], results, strict=False)]
    return case(branches, default, common(*results, default))


def _zero_if_null(arguments: Arguments) -> Node:
    expect("ZEROIFNULL", arguments, 1, 1)
    value = as_number(arguments[0])
    return call("coalesce", value, build.integer(0), kind=kind_of(value))


def _null_if_zero(arguments: Arguments) -> Node:
    expect("NULLIFZERO", arguments, 1, 1)
    value = as_number(arguments[0])
    return call("nullif", value, build.integer(0), kind=kind_of(value))


def _null_if(arguments: Arguments) -> Node:
    expect("NULLIF", arguments, 2, 2)
    if not any(map(is_json, arguments)):
        return call("nullif", *arguments, kind=kind_of(arguments[0]))
    return case(
        [(compared(exp.EQ, arguments[0], arguments[1]), build.null())], arguments[0], kind_of(arguments[0])
    )


def _equal_null(arguments: Arguments) -> Node:
    expect("EQUAL_NULL", arguments, 2, 2)
    return same(arguments[0], arguments[1])


def _extreme(target: str) -> FunctionRule:
    """Return the rule of GREATEST or LEAST, which are NULL as soon as one argument is."""

    def rule(arguments: Arguments) -> Node:
        expect(target, arguments, 1, None)
        if any(kind_of(value) in JSON for value in arguments):
            arguments = [as_number(value) for value in arguments]
        kind = common(*arguments)
        unknown = [build.is_null(value) for value in arguments if not isinstance(value, exp.Literal)]
        found = call(target, *arguments, kind=kind)
        return case([(build.any_of(unknown), build.null())], found, kind) if unknown else found

    return rule


def _boolean(operator: type[exp.Connector]) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        expect("BOOLAND", arguments, 2, 2)
        left, right = (build.cast(as_boolean(value), "BOOLEAN", Kind.BOOLEAN) for value in arguments)
        return build.binary(operator, left, right, Kind.BOOLEAN)

    return rule


def _boolean_not(arguments: Arguments) -> Node:
    expect("BOOLNOT", arguments, 1, 1)
    value = build.cast(as_boolean(arguments[0]), "BOOLEAN", Kind.BOOLEAN)
    return build.typed(exp.Paren(this=exp.Not(this=value)), Kind.BOOLEAN)


def _boolean_xor(arguments: Arguments) -> Node:
    expect("BOOLXOR", arguments, 2, 2)
    left, right = (build.cast(as_boolean(value), "BOOLEAN", Kind.BOOLEAN) for value in arguments)
    return build.binary(exp.NEQ, left, right, Kind.BOOLEAN)


FUNCTIONS: Mapping[str, FunctionRule] = {
    "IFF": _iff,
    "IF": _iff,
    "COALESCE": _coalesce,
    "NVL": _coalesce,
    "IFNULL": _coalesce,
    "NVL2": _nvl2,
    "DECODE": _decode,
    "ZEROIFNULL": _zero_if_null,
    "NULLIFZERO": _null_if_zero,
    "NULLIF": _null_if,
    "EQUAL_NULL": _equal_null,
    "GREATEST": _extreme("greatest"),
    "LEAST": _extreme("least"),
    "GREATEST_IGNORE_NULLS": plain("greatest", "a*", None),
    "LEAST_IGNORE_NULLS": plain("least", "a*", None),
    "BOOLAND": _boolean(exp.And),
    "BOOLOR": _boolean(exp.Or),
    "BOOLXOR": _boolean_xor,
    "BOOLNOT": _boolean_not,
}
