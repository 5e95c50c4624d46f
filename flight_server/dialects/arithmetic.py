"""Arithmetic: division that stays decimal, errors on a division by zero, and numeric functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case, cast, wrap
from flight_server.dialects.coerce import as_integer, as_number
from flight_server.dialects.functions import Arguments, FunctionRule, expect, plain
from flight_server.dialects.kinds import MOMENTS, NUMBERS, Kind, kind_of, typed
from flight_server.dialects.refuse import unsupported

DIVISION_SCALE = "0.000000"
_QUOTIENT = "DECIMAL(38, 6)"


def divided(left: Node, right: Node) -> Node:
    """Return `left / right` with Snowflake's result type, failing where *right* is zero."""
    left, right = as_number(left), as_number(right)
    return _scaled(left, right, _not_zero(right))


def _scaled(left: Node, right: Node, divisor: Node) -> Node:
    """Return the quotient: FLOAT if a side is, else a decimal with six more digits than *left*."""
    quotient = exp.Div(this=wrap(left), expression=wrap(divisor))
    kinds = (kind_of(left), kind_of(right))
    if Kind.NULL in kinds:
        return cast(build.null(), _QUOTIENT, Kind.DECIMAL)
    if Kind.FLOAT in kinds:
        return typed(exp.Paren(this=quotient), Kind.FLOAT)
    if kinds == (Kind.INTEGER, Kind.INTEGER):
        return cast(quotient, _QUOTIENT, Kind.DECIMAL)
    kind = Kind.DECIMAL if set(kinds) <= NUMBERS else Kind.UNKNOWN
    return call("cast_to_type", quotient, _pattern(left, right), kind=kind)


def _pattern(left: Node, right: Node) -> Node:
    """Return an expression of the quotient's type; the engine reads its type and never its value."""
    scaled = build.binary(exp.Mul, _bare(left), build.raw(DIVISION_SCALE))
    if isinstance(right, exp.Literal):
        return scaled
    return build.binary(exp.Add, scaled, build.binary(exp.Mul, _bare(right), build.integer(0)))


def _bare(node: Node) -> Node:
    """Return *node* without the type casts of the divisions inside it, which would double with each level."""
    inner = node.this if isinstance(node, exp.Paren) else node
    if isinstance(inner, exp.Anonymous) and inner.this == "cast_to_type":
        pattern: Node = inner.expressions[1]
        return pattern
    return node


def _not_zero(node: Node) -> Node:
    if isinstance(node, exp.Literal) and not node.is_string and float(node.name) != 0:
        return node
    if isinstance(node, exp.Anonymous) and node.this == "nullif" and node.expressions[1].name == "0":
        return node
    return case(
        [(build.equals(node, build.integer(0)), build.failing("Division by zero"))], node, kind_of(node)
    )


def _division(node: Node) -> Node:
    return divided(node.this, node.expression)


def _modulo(node: Node) -> Node:
    left, right = as_number(node.this), as_number(node.expression)
    return build.binary(exp.Mod, left, right, _arithmetic_kind(left, right))


def arithmetic(node: Node) -> Node:
    """Bring VARIANT and text operands to numbers, unless a date takes part."""
    left, right = node.this, node.expression
    kinds = {kind_of(left), kind_of(right)}
    if kinds & (MOMENTS | {Kind.INTERVAL}):
        return typed(node, _date_kind(node, kind_of(left), kind_of(right)))
    left, right = as_number(left), as_number(right)
    if isinstance(node, exp.Mul) and kind_of(left) is kind_of(right) is Kind.INTEGER:
        left = cast(left, "BIGINT", Kind.INTEGER) if isinstance(left, exp.Literal) else left
    node.set("this", left)
    node.set("expression", right)
    return typed(node, _arithmetic_kind(left, right))


def _date_kind(node: Node, left: Kind, right: Kind) -> Kind:
    if left is right is Kind.DATE and isinstance(node, exp.Sub):
        return Kind.INTEGER
    if Kind.DATE in (left, right) and Kind.INTERVAL not in (left, right):
        return Kind.DATE
    return next((kind for kind in (left, right) if kind in (Kind.TIMESTAMP, Kind.TIMESTAMP_TZ)), Kind.UNKNOWN)


def _arithmetic_kind(left: Node, right: Node) -> Kind:
    kinds = {kind_of(left), kind_of(right)}
    if not kinds <= NUMBERS:
        return Kind.FLOAT if Kind.FLOAT in kinds else Kind.UNKNOWN
    if Kind.FLOAT in kinds:
        return Kind.FLOAT
    return Kind.DECIMAL if Kind.DECIMAL in kinds else Kind.INTEGER


def _negative(node: Node) -> Node:
    value = as_number(node.this)
    node.set("this", value)
    return typed(node, kind_of(value))


def _if_zero(name: str, null_too: bool) -> FunctionRule:
    """Return the rule of DIV0, which gives 0 for a zero divisor, and of DIV0NULL, also for NULL."""

    def rule(arguments: Arguments) -> Node:
        expect(name, arguments, 2, 2)
        left, right = as_number(arguments[0]), as_number(arguments[1])
        zero = build.equals(right, build.integer(0))
        empty = build.any_of([zero, build.is_null(right)]) if null_too else zero
        quotient = _scaled(left, right, call("nullif", right, build.integer(0), kind=kind_of(right)))
        hit = build.all_of([empty, build.is_not_null(left)])
        return case([(hit, build.integer(0))], quotient, kind_of(quotient))

    return rule


def _round(arguments: Arguments) -> Node:
    """Round half away from zero; a third argument would choose another way."""
    expect("ROUND", arguments, 1, 2)
    value = as_number(arguments[0])
    places = [as_integer(place) for place in arguments[1:]]
    if kind_of(value) is Kind.INTEGER and not places:
        return value
    return call(
        "round", value, *[cast(place, "INTEGER", Kind.INTEGER) for place in places], kind=kind_of(value)
    )


def _to_whole(target: str) -> FunctionRule:
    """Return the rule of FLOOR or CEIL, with the places Snowflake takes as a second argument."""

    def rule(arguments: Arguments) -> Node:
        expect(target, arguments, 1, 2)
        value = as_number(arguments[0])
        if len(arguments) == 1:
            return call(target, value, kind=kind_of(value))
        places = build.literal_integer(arguments[1])
        if places is None:
            raise unsupported(f"{target.upper()} with a number of places that is not a constant")
        factor = build.raw(f"1{'0' * places}" if places >= 0 else f"0.{'0' * (-places - 1)}1")
        scaled = call(target, build.binary(exp.Mul, value, factor))
        if kind_of(value) is Kind.FLOAT:
            return build.binary(exp.Div, scaled, factor, Kind.FLOAT)
        return cast(build.binary(exp.Div, scaled, factor), f"DECIMAL(38, {max(places, 0)})", Kind.DECIMAL)

    return rule


def _logarithm(arguments: Arguments) -> Node:
    expect("LOG", arguments, 2, 2)
    return call("log", *map(as_number, arguments), kind=Kind.FLOAT)


def _square(arguments: Arguments) -> Node:
    expect("SQUARE", arguments, 1, 1)
    value = as_number(arguments[0])
    return build.binary(exp.Mul, value, value, kind_of(value))


def _mod(arguments: Arguments) -> Node:
    expect("MOD", arguments, 2, 2)
    return _modulo(exp.Mod(this=arguments[0], expression=arguments[1]))


def _bits(operator: type[exp.Binary]) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        expect("a bit function", arguments, 2, 2)
        left, right = (cast(as_integer(value), "BIGINT", Kind.INTEGER) for value in arguments)
        return build.binary(operator, left, right, Kind.INTEGER)

    return rule


def _bit_not(arguments: Arguments) -> Node:
    expect("BITNOT", arguments, 1, 1)
    value = cast(as_integer(arguments[0]), "BIGINT", Kind.INTEGER)
    return build.binary(exp.Sub, exp.Neg(this=value), build.integer(1), Kind.INTEGER)


def _bit_xor(arguments: Arguments) -> Node:
    expect("BITXOR", arguments, 2, 2)
    return call(
        "xor", *[cast(as_integer(value), "BIGINT", Kind.INTEGER) for value in arguments], kind=Kind.INTEGER
    )


def _width_bucket(arguments: Arguments) -> Node:
    expect("WIDTH_BUCKET", arguments, 4, 4)
    value, low, high, count = map(as_number, arguments)
    share = build.binary(exp.Div, build.binary(exp.Sub, value, low), build.binary(exp.Sub, high, low))
    bucket = cast(call("floor", build.binary(exp.Mul, share, count)), "BIGINT", Kind.INTEGER)
    below = build.binary(exp.LT, value, low)
    above = build.binary(exp.GTE, value, high)
    one_more = build.binary(exp.Add, count, build.integer(1))
    inside = build.binary(exp.Add, bucket, build.integer(1))
    return case(
        [(build.is_null(value), build.null()), (below, build.integer(0)), (above, one_more)],
        inside,
        Kind.INTEGER,
    )


_FLOATS = (
    "SQRT",
    "CBRT",
    "EXP",
    "LN",
    "SIN",
    "COS",
    "TAN",
    "ASIN",
    "ACOS",
    "ATAN",
    "COT",
    "SINH",
    "COSH",
    "TANH",
    "ASINH",
    "ACOSH",
    "ATANH",
    "RADIANS",
    "DEGREES",
)
_SHIFTS = {"LEFT": exp.BitwiseLeftShift, "RIGHT": exp.BitwiseRightShift}


def _squared_half_sine(end: Node, start: Node) -> Node:
    half = build.binary(exp.Div, build.binary(exp.Sub, end, start), build.integer(2))
    return call("pow", call("sin", half), build.integer(2))


def _great_circle(arguments: Arguments) -> Node:
    """HAVERSINE(latitude, longitude, latitude, longitude) in kilometres, on a sphere of radius 6371."""
    expect("HAVERSINE", arguments, 4, 4)
    points = [call("radians", as_number(value)) for value in arguments]
    halves = [_squared_half_sine(points[2], points[0]), _squared_half_sine(points[3], points[1])]
    width = build.binary(exp.Mul, call("cos", points[0]), call("cos", points[2]))
    share = build.binary(exp.Add, halves[0], build.binary(exp.Mul, width, halves[1]))
    angle = call("asin", call("sqrt", call("least", share, build.integer(1))))
    return build.binary(exp.Mul, build.integer(2 * 6371), angle, Kind.FLOAT)


FUNCTIONS: Mapping[str, FunctionRule] = {
    "HAVERSINE": _great_circle,
    "DIV0": _if_zero("DIV0", null_too=False),
    "DIV0NULL": _if_zero("DIV0NULL", null_too=True),
    "ROUND": _round,
    "FLOOR": _to_whole("floor"),
    "CEIL": _to_whole("ceil"),
    "CEILING": _to_whole("ceil"),
    "MOD": _mod,
    "LOG": _logarithm,
    "SQUARE": _square,
    "POWER": plain("pow", "nn", Kind.FLOAT),
    "POW": plain("pow", "nn", Kind.FLOAT),
    "ATAN2": plain("atan2", "nn", Kind.FLOAT),
    "PI": plain("pi", "", Kind.FLOAT),
    "ABS": plain("abs", "n", None),
    "SIGN": plain("sign", "n", Kind.INTEGER),
    "FACTORIAL": plain("factorial", "i", Kind.INTEGER),
    "BITAND": _bits(exp.BitwiseAnd),
    "BIT_AND": _bits(exp.BitwiseAnd),
    "BITOR": _bits(exp.BitwiseOr),
    "BIT_OR": _bits(exp.BitwiseOr),
    "BITXOR": _bit_xor,
    "BIT_XOR": _bit_xor,
    "BITNOT": _bit_not,
    "WIDTH_BUCKET": _width_bucket,
    **{f"BIT{score}SHIFT{side}": _bits(shift) for side, shift in _SHIFTS.items() for score in ("", "_")},
    **{name: plain(name.lower(), "n", Kind.FLOAT) for name in _FLOATS},
}


def truncated(arguments: Arguments) -> Node:
    """Return `TRUNC(number [, places])`."""
    value = as_number(arguments[0])
    places = [cast(as_integer(place), "INTEGER", Kind.INTEGER) for place in arguments[1:]]
    return call("trunc", value, *places, kind=kind_of(value))


def _power(node: Node) -> Node:
    return call("pow", as_number(node.this), as_number(node.expression), kind=Kind.FLOAT)


RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    exp.Div: _division,
    exp.Mod: _modulo,
    exp.Mul: arithmetic,
    exp.Neg: _negative,
    exp.Pow: _power,
}
