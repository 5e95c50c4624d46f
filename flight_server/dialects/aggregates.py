"""Aggregates and window functions, and the clauses WITHIN GROUP, OVER and IGNORE NULLS around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.arithmetic import DIVISION_SCALE
from flight_server.dialects.build import Node, aggregate, call, case, cast
from flight_server.dialects.coerce import as_boolean, as_integer, as_number, as_text, as_variant
from flight_server.dialects.compare import sort_keys
from flight_server.dialects.functions import Arguments, FunctionRule, coerced, collected, expect
from flight_server.dialects.kinds import Kind, is_json, kind_of, typed
from flight_server.dialects.read import written_name
from flight_server.dialects.refuse import unsupported

_WHOLE_FRAME = frozenset({"first_value", "last_value", "nth_value"})


def _distinct(arguments: Arguments) -> tuple[bool, list[Node]]:
    """Return whether the arguments stand under DISTINCT, and the arguments."""
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
        return True, list(arguments[0].expressions)
    return False, list(arguments)


def _maybe_distinct(distinct: bool, value: Node) -> Node:
    return exp.Distinct(expressions=[value.copy()]) if distinct else value


def filtered(node: Node, *conditions: Node) -> Node:
    """Return an aggregate over the rows for which all *conditions* hold."""
    return exp.Filter(this=node, expression=exp.Where(this=build.all_of(conditions)))


def _count(arguments: Arguments) -> Node:
    """Count rows; of several arguments, the rows in which none is NULL."""
    distinct, values = _distinct(arguments)
    expect("COUNT", values, 1, None)
    if any(isinstance(value, exp.Column) and isinstance(value.this, exp.Star) for value in values):
        raise unsupported("COUNT(table.*)")
    if len(values) == 1:
        return aggregate("count", _maybe_distinct(distinct, values[0]), kind=Kind.INTEGER)
    known = build.all_of([build.is_not_null(value) for value in values])
    row = case([(known, call("row", *values))])
    return aggregate("count", _maybe_distinct(distinct, row), kind=Kind.INTEGER)


def _average(arguments: Arguments) -> Node:
    """Average exact numbers to a decimal with six more digits, as a division would give."""
    distinct, values = _distinct(arguments)
    expect("AVG", values, 1, 1)
    value = as_number(values[0])
    found = aggregate("avg", _maybe_distinct(distinct, value), kind=Kind.FLOAT)
    kind = kind_of(value)
    if kind is Kind.FLOAT:
        return found
    if kind is Kind.INTEGER:
        return cast(found, "DECIMAL(38, 6)", Kind.DECIMAL)
    pattern = build.binary(exp.Mul, aggregate("max", value), build.raw(DIVISION_SCALE))
    return call("cast_to_type", found, pattern, kind=kind)


def _extreme(target: str) -> FunctionRule:
    """Return the rule of MIN or MAX, which order a VARIANT by its number, then by its text."""

    def rule(arguments: Arguments) -> Node:
        _, values = _distinct(arguments)
        expect(target, values, 1, 1)
        value = values[0]
        if not is_json(value):
            return aggregate(target, value, kind=kind_of(value))
        number, text = sort_keys(value)
        key = call("struct_pack", _named("n", number), _named("t", text))
        found = aggregate(f"arg_{target}", value, key, kind=Kind.VARIANT)
        return typed(filtered(found, build.is_not_null(text)), Kind.VARIANT)

    return rule


def _named(name: str, value: Node) -> Node:
    return exp.PropertyEQ(this=exp.to_identifier(name), expression=value.copy())


def _list_agg(arguments: Arguments) -> Node:
    """LISTAGG of nothing is an empty text."""
    distinct, values = _distinct(arguments)
    expect("LISTAGG", values, 1, 2)
    value = as_text(values[0])
    value = cast(value, "VARCHAR", Kind.TEXT) if kind_of(value) is Kind.UNKNOWN else value
    separator = values[1] if len(values) == 2 else build.text("")
    found = aggregate("string_agg", _maybe_distinct(distinct, value), separator, kind=Kind.TEXT)
    return call("coalesce", found, build.text(""), kind=Kind.TEXT)


def _array_agg(arguments: Arguments) -> Node:
    """ARRAY_AGG leaves NULLs out, and of nothing it is an empty array."""
    distinct, values = _distinct(arguments)
    expect("ARRAY_AGG", values, 1, 1)
    listed = filtered(aggregate("list", _maybe_distinct(distinct, values[0])), build.is_not_null(values[0]))
    made = call("to_json", listed)
    return call("coalesce", made, cast(build.text("[]"), "JSON", Kind.ARRAY), kind=Kind.ARRAY)


def _unique_agg(arguments: Arguments) -> Node:
    return _array_agg([exp.Distinct(expressions=list(arguments))])


def _object_agg(arguments: Arguments) -> Node:
    """OBJECT_AGG(key, value) without the pairs in which one is NULL, in the order of the keys."""
    expect("OBJECT_AGG", arguments, 2, 2)
    key, value = as_text(arguments[0]), as_variant(arguments[1])
    entry = call("struct_pack", _named("k", cast(key, "VARCHAR", Kind.TEXT)), _named("v", value))
    ordered = exp.Order(this=entry, expressions=[exp.Ordered(this=key.copy(), nulls_first=False)])
    listed = filtered(aggregate("list", ordered), build.is_not_null(key), build.is_not_null(value))
    made = call("to_json", call("map_from_entries", listed))
    return call("coalesce", made, cast(build.text("{}"), "JSON", Kind.OBJECT), kind=Kind.OBJECT)


def _ratio(arguments: Arguments) -> Node:
    """RATIO_TO_REPORT(x): x divided by the sum of x over the window."""
    expect("RATIO_TO_REPORT", arguments, 1, 1)
    value = as_number(arguments[0])
    total = call("nullif", aggregate("sum", value), build.integer(0), kind=kind_of(value))
    quotient = build.binary(exp.Div, value, total, Kind.FLOAT)
    kind = kind_of(value)
    if kind is Kind.FLOAT:
        return quotient
    return call("cast_to_type", quotient, build.binary(exp.Mul, value, build.raw(DIVISION_SCALE)), kind=kind)


def _counted_if(arguments: Arguments) -> Node:
    expect("COUNT_IF", arguments, 1, 1)
    return aggregate("count_if", as_boolean(arguments[0]), kind=Kind.INTEGER)


def _true_events(arguments: Arguments) -> Node:
    expect("CONDITIONAL_TRUE_EVENT", arguments, 1, 1)
    return aggregate("count_if", as_boolean(arguments[0]), kind=Kind.INTEGER)


def _truth(target: str) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        expect(target, arguments, 1, 1)
        return aggregate(target, cast(as_boolean(arguments[0]), "BOOLEAN", Kind.BOOLEAN), kind=Kind.BOOLEAN)

    return rule


def _xor(arguments: Arguments) -> Node:
    """BOOLXOR_AGG: true where exactly one value is."""
    expect("BOOLXOR_AGG", arguments, 1, 1)
    value = cast(as_boolean(arguments[0]), "BOOLEAN", Kind.BOOLEAN)
    one = build.equals(aggregate("count_if", value), build.integer(1))
    return case([(build.binary(exp.GT, aggregate("count", value), build.integer(0)), one)], kind=Kind.BOOLEAN)


def _shifted(target: str) -> FunctionRule:
    """Return the rule of LAG or LEAD."""

    def rule(arguments: Arguments) -> Node:
        expect(target, arguments, 1, 3)
        offset = [as_integer(value) for value in arguments[1:2]]
        default = list(arguments[2:])
        if default and is_json(arguments[0]):
            default = [as_variant(default[0])]
        return aggregate(target, arguments[0], *offset, *default, kind=kind_of(arguments[0]))

    return rule


def _percentile(target: str) -> FunctionRule:
    """Return the rule of PERCENTILE_CONT or _DISC; the values come with WITHIN GROUP."""

    def rule(arguments: Arguments) -> Node:
        expect(target, arguments, 1, 1)
        return aggregate(target, arguments[0], kind=Kind.UNKNOWN)

    return rule


def _approximate(arguments: Arguments) -> Node:
    expect("APPROX_PERCENTILE", arguments, 2, 2)
    return aggregate("approx_quantile", as_number(arguments[0]), arguments[1], kind=Kind.FLOAT)


def _finer(value: Node) -> Node:
    """Return a decimal with three more digits, so that the middle of two values is not cut off."""
    value = as_number(value)
    if kind_of(value) in (Kind.INTEGER, Kind.FLOAT):
        return value
    return build.binary(exp.Mul, value, build.raw("1.000"), kind_of(value))


def _median(arguments: Arguments) -> Node:
    distinct, values = _distinct(arguments)
    expect("MEDIAN", values, 1, 1)
    return aggregate("median", _maybe_distinct(distinct, _finer(values[0])), kind=Kind.FLOAT)


def _within_group(node: Node) -> Node:
    """Move the ORDER BY of WITHIN GROUP into the aggregate that it orders."""
    order = node.expression
    for found in list(build.windowed(node.this)):
        if found.this in ("quantile_cont", "quantile_disc"):
            _order_percentile(found, order)
        elif found.this in ("string_agg", "list"):
            last = found.expressions[-1]
            found.set(
                "expressions", [*found.expressions[:-1], exp.Order(this=last, expressions=order.expressions)]
            )
        else:
            raise unsupported("WITHIN GROUP after this function")
    made: Node = node.this
    return made


def _order_percentile(found: exp.Anonymous, order: Node) -> None:
    if len(order.expressions) != 1:
        raise unsupported("a percentile over several columns")
    ordered = order.expressions[0]
    value = _finer(ordered.this) if found.this == "quantile_cont" else as_number(ordered.this)
    fraction: Node = found.expressions[0]
    if ordered.args.get("desc"):
        fraction = build.binary(exp.Sub, build.integer(1), fraction)
        if found.this == "quantile_disc":
            raise unsupported("PERCENTILE_DISC in descending order")
    found.set("expressions", [value.copy(), fraction])


def _window(node: Node) -> Node:
    """Put the OVER clause around each aggregate of what the function became."""
    inner: Node = node.this
    if isinstance(inner, exp.IgnoreNulls):
        inner = _ignoring_nulls(inner.this)
    elif isinstance(inner, exp.RespectNulls):
        inner = inner.this
    if node.args.get("first") is not None:
        raise unsupported("FROM FIRST or FROM LAST")
    found = list(build.windowed(inner))
    if not found:
        raise unsupported("OVER after this function")
    for target in found:
        holder = target.parent if isinstance(target.parent, exp.Filter) else target
        over = _over(node, target)
        if holder is inner:
            over.set("this", holder)
            return typed(over, kind_of(target))
        holder.replace(over)
        over.set("this", holder)
    return inner


def _over(node: Node, target: exp.Anonymous) -> Node:
    """Return a copy of the OVER clause; FIRST_VALUE and its kin see the whole partition by default."""
    over = exp.Window(
        this=exp.Null(),
        over="OVER",
        partition_by=[part.copy() for part in node.args.get("partition_by") or []],
        order=_without_sequences(node.args.get("order")),
        spec=node.args["spec"].copy() if node.args.get("spec") else None,
        alias=node.args.get("alias"),
    )
    if target.this in _WHOLE_FRAME and over.args["order"] is not None and over.args["spec"] is None:
        over.set("spec", _frame("UNBOUNDED", "FOLLOWING"))
    return over


def _without_sequences(order: Node | None) -> Node | None:
    """Return a copy of an ORDER BY; a SEQ4() in it, which gives the order of the rows, says nothing."""
    if order is None:
        return None
    copied = order.copy()
    for numbered in list(copied.find_all(exp.Window)):
        numbered.replace(build.integer(0))
    return copied


def _frame(end: str, end_side: str) -> Node:
    return exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end=end, end_side=end_side)


def _ignoring_nulls(node: Node) -> Node:
    for found in list(build.windowed(node)):
        found.set("expressions", [*found.expressions[:-1], without_nulls(found.expressions[-1])])
    return node


def without_nulls(argument: Node) -> Node:
    """Return the argument with IGNORE NULLS after it.

    The printer knows the words only around its own window functions; a column
    definition is printed as an expression and the words that follow it.
    """
    return exp.ColumnDef(this=argument.copy(), kind=exp.Var(this="IGNORE NULLS"))


def _ignore_in_argument(node: Node) -> Node:
    """Keep IGNORE NULLS inside the parentheses where it stands there; outside, OVER handles it."""
    return (
        node
        if isinstance(node.this, exp.Anonymous) and any(build.windowed(node.this))
        else without_nulls(node.this)
    )


def _respect(node: Node) -> Node:
    inner: Node = node.this
    return inner


def _no_filter(node: Node) -> Node:
    raise unsupported(
        f"FILTER after {written_name(node.this)}" if isinstance(node.this, exp.Anonymous) else "FILTER",
        "use IFF",
    )


def _by(target: str) -> FunctionRule:
    """Return the rule of MAX_BY or MIN_BY, which gives an array where it is told how many values."""

    def rule(arguments: Arguments) -> Node:
        if len(arguments) < 3:
            return collected(target, "aa", None)(arguments)
        values = coerced(target, "aai", arguments)
        return call("to_json", aggregate(target, *values), kind=Kind.ARRAY)

    return rule


FUNCTIONS: Mapping[str, FunctionRule] = {
    "ANY_VALUE": collected("any_value", "a", None),
    "APPROX_COUNT_DISTINCT": collected("approx_count_distinct", "a", Kind.INTEGER),
    "APPROX_PERCENTILE": _approximate,
    "ARRAYAGG": _array_agg,
    "ARRAY_AGG": _array_agg,
    "ARRAY_UNIQUE_AGG": _unique_agg,
    "AVG": _average,
    "BITAND_AGG": collected("bit_and", "i", Kind.INTEGER),
    "BITOR_AGG": collected("bit_or", "i", Kind.INTEGER),
    "BITXOR_AGG": collected("bit_xor", "i", Kind.INTEGER),
    "BOOLAND_AGG": _truth("bool_and"),
    "BOOLOR_AGG": _truth("bool_or"),
    "BOOLXOR_AGG": _xor,
    "CONDITIONAL_TRUE_EVENT": _true_events,
    "CORR": collected("corr", "nn", Kind.FLOAT),
    "COUNT": _count,
    "COUNT_IF": _counted_if,
    "COVAR_POP": collected("covar_pop", "nn", Kind.FLOAT),
    "COVAR_SAMP": collected("covar_samp", "nn", Kind.FLOAT),
    "CUME_DIST": collected("cume_dist", "", Kind.FLOAT),
    "DENSE_RANK": collected("dense_rank", "", Kind.INTEGER),
    "FIRST_VALUE": collected("first_value", "a", None),
    "HLL": collected("approx_count_distinct", "a", Kind.INTEGER),
    "KURTOSIS": collected("kurtosis", "n", Kind.FLOAT),
    "LAG": _shifted("lag"),
    "LAST_VALUE": collected("last_value", "a", None),
    "LEAD": _shifted("lead"),
    "LISTAGG": _list_agg,
    "MAX": _extreme("max"),
    "MAX_BY": _by("arg_max"),
    "MEDIAN": _median,
    "MIN": _extreme("min"),
    "MIN_BY": _by("arg_min"),
    "MODE": collected("mode", "a", None),
    "NTH_VALUE": collected("nth_value", "ai", None),
    "NTILE": collected("ntile", "i", Kind.INTEGER),
    "OBJECT_AGG": _object_agg,
    "PERCENTILE_CONT": _percentile("quantile_cont"),
    "PERCENTILE_DISC": _percentile("quantile_disc"),
    "PERCENT_RANK": collected("percent_rank", "", Kind.FLOAT),
    "RANK": collected("rank", "", Kind.INTEGER),
    "RATIO_TO_REPORT": _ratio,
    "ROW_NUMBER": collected("row_number", "", Kind.INTEGER),
    "SKEW": collected("skewness", "n", Kind.FLOAT),
    "STDDEV": collected("stddev_samp", "n", Kind.FLOAT),
    "STDDEV_POP": collected("stddev_pop", "n", Kind.FLOAT),
    "STDDEV_SAMP": collected("stddev_samp", "n", Kind.FLOAT),
    "STRING_AGG": _list_agg,
    "SUM": collected("sum", "n", None),
    "VARIANCE": collected("var_samp", "n", Kind.FLOAT),
    "VARIANCE_POP": collected("var_pop", "n", Kind.FLOAT),
    "VARIANCE_SAMP": collected("var_samp", "n", Kind.FLOAT),
    "VAR_POP": collected("var_pop", "n", Kind.FLOAT),
    "VAR_SAMP": collected("var_samp", "n", Kind.FLOAT),
    **{
        f"REGR_{name}": collected(f"regr_{name.lower()}", "nn", Kind.FLOAT)
        for name in ("AVGX", "AVGY", "COUNT", "INTERCEPT", "R2", "SLOPE", "SXX", "SXY", "SYY")
    },
}
RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    exp.WithinGroup: _within_group,
    exp.Window: _window,
    exp.IgnoreNulls: _ignore_in_argument,
    exp.RespectNulls: _respect,
    exp.Filter: _no_filter,
}
