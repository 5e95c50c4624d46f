"""Arrays, which are JSON: every function takes JSON apart into a list and puts it together again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case, cast
from flight_server.dialects.coerce import as_integer, as_text, as_variant
from flight_server.dialects.functions import Arguments, FunctionRule, coerced, expect
from flight_server.dialects.kinds import Kind, kind_of
from flight_server.dialects.refuse import unsupported
from flight_server.dialects.strings import tokens


def elements(value: Node) -> Node:
    """Return the list of the JSON elements of an array."""
    return call("json_extract", as_variant(value), build.text("$[*]"))


def array_of(elements_list: Node, *sources: Node) -> Node:
    """Return a list as an array, NULL where one of the arrays it comes from is."""
    made = call("to_json", elements_list, kind=Kind.ARRAY)
    if not sources:
        return made
    return case(
        [(build.any_of([build.is_null(source) for source in sources]), build.null())], made, Kind.ARRAY
    )


def _each(name: str, body: Node) -> Node:
    return build.each(body, name)


def _construct(arguments: Arguments) -> Node:
    return call("json_array", *[as_variant(value) for value in arguments], kind=Kind.ARRAY)


def _construct_compact(arguments: Arguments) -> Node:
    listed = exp.Array(expressions=[cast(as_variant(value), "JSON", Kind.VARIANT) for value in arguments])
    keep = _each("x", build.is_not_null(build.local("x")))
    return array_of(call("list_filter", cast(listed, "JSON[]", Kind.NESTED), keep))


def _brackets(node: Node) -> Node:
    return _construct(node.expressions)


def _size(arguments: Arguments) -> Node:
    """ARRAY_SIZE is NULL for what is not an array."""
    expect("ARRAY_SIZE", arguments, 1, 1)
    value = as_variant(arguments[0])
    is_array = build.equals(call("json_type", value), build.text("ARRAY"))
    return case(
        [(is_array, cast(call("json_array_length", value), "BIGINT", Kind.INTEGER))], kind=Kind.INTEGER
    )


def _contains(arguments: Arguments) -> Node:
    """ARRAY_CONTAINS(value, array)."""
    expect("ARRAY_CONTAINS", arguments, 2, 2)
    return call("list_contains", elements(arguments[1]), as_variant(arguments[0]), kind=Kind.BOOLEAN)


def _position(arguments: Arguments) -> Node:
    """ARRAY_POSITION(value, array) counts from 0 and is NULL where the value is not found."""
    expect("ARRAY_POSITION", arguments, 2, 2)
    found = call("list_position", elements(arguments[1]), as_variant(arguments[0]))
    return build.binary(exp.Sub, call("nullif", found, build.integer(0)), build.integer(1), Kind.INTEGER)


def _append(arguments: Arguments) -> Node:
    expect("ARRAY_APPEND", arguments, 2, 2)
    return array_of(call("list_append", elements(arguments[0]), _element(arguments[1])), arguments[0])


def _prepend(arguments: Arguments) -> Node:
    expect("ARRAY_PREPEND", arguments, 2, 2)
    return array_of(call("list_prepend", _element(arguments[1]), elements(arguments[0])), arguments[0])


def _element(value: Node) -> Node:
    return call("coalesce", as_variant(value), cast(build.text("null"), "JSON", Kind.VARIANT))


def _joined(arguments: Arguments) -> Node:
    expect("ARRAY_CAT", arguments, 2, 2)
    return array_of(call("list_concat", elements(arguments[0]), elements(arguments[1])), *arguments)


def _slice(arguments: Arguments) -> Node:
    """ARRAY_SLICE(array, from, to): from 0, without the end, negative positions from the back."""
    expect("ARRAY_SLICE", arguments, 3, 3)
    listed = elements(arguments[0])
    start, end = (_absolute(as_integer(bound), listed) for bound in arguments[1:])
    first = build.binary(exp.Add, call("greatest", start, build.integer(0)), build.integer(1))
    return array_of(call("list_slice", listed, first, call("greatest", end, build.integer(0))), arguments[0])


def _absolute(bound: Node, listed: Node) -> Node:
    known = build.literal_integer(bound)
    if known is not None and known >= 0:
        return bound
    from_back = build.binary(exp.Add, call("len", listed), bound)
    return case([(build.binary(exp.LT, bound, build.integer(0)), from_back)], bound)


def _to_string(arguments: Arguments) -> Node:
    """ARRAY_TO_STRING: a NULL element is an empty text."""
    expect("ARRAY_TO_STRING", arguments, 2, 2)
    element = call("coalesce", call("json_extract_string", build.local("x"), build.text("$")), build.text(""))
    texts = call("list_transform", elements(arguments[0]), _each("x", element))
    return call("array_to_string", texts, as_text(arguments[1]), kind=Kind.TEXT)


def _distinct(arguments: Arguments) -> Node:
    """Keep the first of equal elements, in order."""
    expect("ARRAY_DISTINCT", arguments, 1, 1)
    listed = elements(arguments[0])
    first = build.binary(exp.EQ, call("list_position", listed, build.local("x")), build.local("i"))
    test = build.each(first, "x", "i")
    return array_of(call("list_filter", listed, test), arguments[0])


def _compact(arguments: Arguments) -> Node:
    expect("ARRAY_COMPACT", arguments, 1, 1)
    not_null = build.binary(exp.NEQ, call("json_type", build.local("x")), build.text("NULL"))
    return array_of(call("list_filter", elements(arguments[0]), _each("x", not_null)), arguments[0])


def _overlap(arguments: Arguments) -> Node:
    expect("ARRAYS_OVERLAP", arguments, 2, 2)
    return call("list_has_any", elements(arguments[0]), elements(arguments[1]), kind=Kind.BOOLEAN)


def _sort(arguments: Arguments) -> Node:
    """Sort numbers as numbers, else texts as texts; an array of both has no order here."""
    expect("ARRAY_SORT", arguments, 1, 2)
    ascending = len(arguments) == 1 or isinstance(arguments[1], exp.Boolean)
    if not ascending:
        raise unsupported("ARRAY_SORT with an order that is not a constant")
    descending = len(arguments) == 2 and not arguments[1].this
    listed = elements(arguments[0])
    number = cast(
        call("json_extract_string", build.local("x"), build.text("$")), "DOUBLE", Kind.FLOAT, safe=True
    )
    key = call(
        "struct_pack",
        *[
            exp.PropertyEQ(this=exp.to_identifier(n), expression=v)
            for n, v in (("n", number), ("x", build.local("x")))
        ],
    )
    keyed = call("list_transform", listed, _each("x", key))
    ordered = call("list_sort", keyed, build.text("DESC" if descending else "ASC"), build.text("NULLS LAST"))
    plain = call(
        "list_transform",
        ordered,
        _each("s", exp.Dot(this=build.local("s"), expression=exp.to_identifier("x"))),
    )
    return array_of(plain, arguments[0])


def _extreme(target: str) -> FunctionRule:
    """Return the rule of ARRAY_MIN or ARRAY_MAX: of numbers, else of texts."""

    def rule(arguments: Arguments) -> Node:
        expect(target, arguments, 1, 1)
        path = "$[0]" if target == "ARRAY_MIN" else "$[#-1]"
        return call("json_extract", _sort([_compact(arguments)]), build.text(path), kind=Kind.VARIANT)

    return rule


def _range(arguments: Arguments) -> Node:
    values = coerced("ARRAY_GENERATE_RANGE", "ii?i", arguments)
    return array_of(call("range", *values))


def _to_array(arguments: Arguments) -> Node:
    """TO_ARRAY: an array stays, NULL stays, any other value becomes the one element of an array."""
    expect("TO_ARRAY", arguments, 1, 1)
    value = as_variant(arguments[0])
    if kind_of(value) is Kind.ARRAY:
        return value
    kind = call("json_type", value)
    one = call("json_array", value)
    is_array = build.any_of([build.equals(kind, build.text("ARRAY")), build.is_null(value)])
    return case([(is_array, value)], one, Kind.ARRAY)


def _flattened(arguments: Arguments) -> Node:
    expect("ARRAY_FLATTEN", arguments, 1, 1)
    inner = call(
        "list_transform",
        elements(arguments[0]),
        _each("x", call("json_extract", build.local("x"), build.text("$[*]"))),
    )
    return array_of(call("flatten", inner), arguments[0])


def _split(arguments: Arguments) -> Node:
    subject, separator = coerced("SPLIT", "tt", arguments)
    return array_of(call("string_split", subject, separator))


def _strtok_array(arguments: Arguments) -> Node:
    expect("STRTOK_TO_ARRAY", arguments, 1, 2)
    delimiters = build.literal_text(arguments[1]) if len(arguments) == 2 else " "
    if delimiters is None:
        raise unsupported("STRTOK_TO_ARRAY with delimiters that are not a constant")
    return array_of(tokens(as_text(arguments[0]), delimiters))


def _set_operation(common: bool) -> FunctionRule:
    """Return the rule of ARRAY_INTERSECTION or ARRAY_EXCEPT, for arrays without repeated elements."""

    def rule(arguments: Arguments) -> Node:
        expect("ARRAY_EXCEPT", arguments, 2, 2)
        inside: Node = call("list_contains", elements(arguments[1]), build.local("x"), kind=Kind.BOOLEAN)
        count = _occurrence(elements(arguments[0]))
        other = call(
            "len",
            call(
                "list_filter",
                elements(arguments[1]),
                _each("y", build.binary(exp.EQ, build.local("y"), build.local("x"))),
            ),
        )
        within = build.binary(exp.LTE if common else exp.GT, count, other)
        body = build.all_of([inside, within]) if common else within
        test = build.each(body, "x", "i")
        return array_of(call("list_filter", elements(arguments[0]), test), *arguments)

    return rule


def _occurrence(listed: Node) -> Node:
    """Return how often the element x at position i has come up to there, itself included."""
    before = call("list_slice", listed, build.integer(1), build.local("i"))
    return call(
        "len",
        call("list_filter", before, _each("z", build.binary(exp.EQ, build.local("z"), build.local("x")))),
    )


def _lambda_parts(arguments: Arguments, function: str) -> tuple[Node, exp.Lambda]:
    expect(function, arguments, 2, 2)
    body = arguments[1]
    if not isinstance(body, exp.Lambda) or len(body.expressions) != 1:
        raise unsupported(f"{function} without a lambda of one argument")
    return elements(arguments[0]), body


def _transform(arguments: Arguments) -> Node:
    listed, function = _lambda_parts(arguments, "TRANSFORM")
    return array_of(call("list_transform", listed, function), arguments[0])


def _filter(arguments: Arguments) -> Node:
    listed, function = _lambda_parts(arguments, "FILTER")
    return array_of(call("list_filter", listed, function), arguments[0])


FUNCTIONS: Mapping[str, FunctionRule] = {
    "ARRAYS_OVERLAP": _overlap,
    "ARRAY_APPEND": _append,
    "ARRAY_CAT": _joined,
    "ARRAY_COMPACT": _compact,
    "ARRAY_CONSTRUCT": _construct,
    "ARRAY_CONSTRUCT_COMPACT": _construct_compact,
    "ARRAY_CONTAINS": _contains,
    "ARRAY_DISTINCT": _distinct,
    "ARRAY_EXCEPT": _set_operation(common=False),
    "ARRAY_FLATTEN": _flattened,
    "ARRAY_GENERATE_RANGE": _range,
    "ARRAY_INTERSECTION": _set_operation(common=True),
    "ARRAY_MAX": _extreme("ARRAY_MAX"),
    "ARRAY_MIN": _extreme("ARRAY_MIN"),
    "ARRAY_POSITION": _position,
    "ARRAY_PREPEND": _prepend,
    "ARRAY_SIZE": _size,
    "ARRAY_SLICE": _slice,
    "ARRAY_SORT": _sort,
    "ARRAY_TO_STRING": _to_string,
    "FILTER": _filter,
    "SPLIT": _split,
    "STRTOK_TO_ARRAY": _strtok_array,
    "TO_ARRAY": _to_array,
    "TRANSFORM": _transform,
}
RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {exp.Array: _brackets}
