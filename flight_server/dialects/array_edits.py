"""Functions that change single elements of an array, or make objects of arrays."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.arrays import array_of, elements
from flight_server.dialects.build import Node, call, case, cast
from flight_server.dialects.coerce import as_integer, as_variant
from flight_server.dialects.functions import Arguments, FunctionRule, expect
from flight_server.dialects.kinds import Kind
from flight_server.dialects.refuse import unsupported

_NULL = "'null'::JSON"
_MOST_FILLED = 100


def _inserted(arguments: Arguments) -> Node:
    """ARRAY_INSERT(array, position, value): past the end, what lies between is null."""
    expect("ARRAY_INSERT", arguments, 3, 3)
    listed, value = _json(arguments[0]), as_variant(arguments[2])
    position = _position(arguments[1], listed)
    filling = _filling(arguments[1], position, listed)
    before = call("list_concat", call("list_slice", listed, build.integer(1), position), filling)
    one = exp.Array(expressions=[call("coalesce", value, build.raw(_NULL))])
    return array_of(call("list_concat", before, one, _from(listed, position, 1)), arguments[0])


def _filling(written: Node, position: Node, listed: Node) -> Node:
    """Return the list of nulls between the end of *listed* and *position*."""
    most = max(build.literal_integer(written) or 0, 0)
    if most > _MOST_FILLED:
        raise unsupported("ARRAY_INSERT this far past the end")
    nulls = cast(exp.Array(expressions=[build.raw(_NULL)] * most), "JSON[]", Kind.NESTED)
    gap = build.binary(exp.Sub, position, call("len", listed))
    if build.literal_integer(written) is not None:
        return call("list_slice", nulls, build.integer(1), call("greatest", gap, build.integer(0)))
    failure = cast(build.failing("the position is past the end of the array"), "JSON[]", Kind.NESTED)
    return case([(build.binary(exp.GT, gap, build.integer(0)), failure)], nulls)


def _removed_at(arguments: Arguments) -> Node:
    expect("ARRAY_REMOVE_AT", arguments, 2, 2)
    listed = elements(arguments[0])
    position = _position(arguments[1], listed)
    before = call("list_slice", listed, build.integer(1), position)
    changed = call("list_concat", before, _from(listed, position, 2))
    outside = build.binary(exp.LT, position, build.integer(0))
    return array_of(case([(outside, listed)], changed), *arguments)


def _json(array: Node) -> Node:
    """Return the list of an array whose type is known even where the array is a plain NULL."""
    return cast(elements(array), "JSON[]", Kind.NESTED)


def _position(position: Node, listed: Node) -> Node:
    """Return a position that may count from the back as one from the front."""
    known = build.literal_integer(position)
    if known is not None and known >= 0:
        return position
    index = as_integer(position)
    from_back = build.binary(exp.Add, call("len", listed), index)
    return case([(build.binary(exp.LT, index, build.integer(0)), from_back)], index, Kind.INTEGER)


def _from(listed: Node, position: Node, step: int) -> Node:
    first = build.binary(exp.Add, position, build.integer(step))
    return call("list_slice", listed, first, call("len", listed))


def _removed(arguments: Arguments) -> Node:
    """ARRAY_REMOVE(array, value) leaves out every element that is equal."""
    expect("ARRAY_REMOVE", arguments, 2, 2)
    other = build.binary(exp.NEQ, build.local("x"), as_variant(arguments[1]))
    return array_of(call("list_filter", elements(arguments[0]), build.each(other, "x")), *arguments)


def _reversed(arguments: Arguments) -> Node:
    expect("ARRAY_REVERSE", arguments, 1, 1)
    return array_of(call("list_reverse", elements(arguments[0])), arguments[0])


def _to_object(arguments: Arguments) -> Node:
    """ARRAYS_TO_OBJECT(keys, values): a pair without a key is left out, another length is an error."""
    expect("ARRAYS_TO_OBJECT", arguments, 2, 2)
    keys = call(
        "list_transform",
        elements(arguments[0]),
        build.each(call("json_extract_string", build.local("k"), build.text("$")), "k"),
    )
    values = elements(arguments[1])
    kept = call(
        "list_filter", call("list_zip", keys, values), build.each(build.is_not_null(_first("p")), "p")
    )
    made = call("to_json", call("map_from_entries", kept), kind=Kind.OBJECT)
    uneven = build.binary(exp.NEQ, call("len", keys), call("len", values))
    failure = cast(build.failing("the arrays differ in length"), "JSON", Kind.OBJECT)
    return case([(uneven, failure)], made, Kind.OBJECT)


def _first(name: str) -> Node:
    return call("struct_extract", build.local(name), build.integer(1))


def _zipped(arguments: Arguments) -> Node:
    """ARRAYS_ZIP: one object for each position, with the keys `$1`, `$2` ..; what is missing is null."""
    expect("ARRAYS_ZIP", arguments, 1, None)
    pairs: list[Node] = []
    for at in range(1, len(arguments) + 1):
        part = call("struct_extract", build.local("r"), build.integer(at))
        pairs += [build.text(f"${at}"), part]
    rows = call("list_zip", *[elements(argument) for argument in arguments])
    made = call("list_transform", rows, build.each(call("json_object", *pairs), "r"))
    return array_of(made, *arguments)


FUNCTIONS: Mapping[str, FunctionRule] = {
    "ARRAYS_TO_OBJECT": _to_object,
    "ARRAYS_ZIP": _zipped,
    "ARRAY_INSERT": _inserted,
    "ARRAY_REMOVE": _removed,
    "ARRAY_REMOVE_AT": _removed_at,
    "ARRAY_REVERSE": _reversed,
}
