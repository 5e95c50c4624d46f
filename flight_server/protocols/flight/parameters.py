"""Parameter values as Arrow rows, turned into what the pipeline binds. No I/O.

A reader would get this wrong: values are keys of what is remembered, so lists and structs leave
here as values that can be hashed; the engine takes a tuple for a list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pyarrow as pa

from flight_server.model import Scalar
from flight_server.protocols.flight.messages import invalid


class Struct(dict[str, object]):
    """A struct as a parameter: a dictionary that can be hashed, since nobody changes it."""

    def __hash__(self) -> int:  # type: ignore[override]  # dict has none, as it can be changed
        return hash(tuple(self.items()))


def rows_of(table: pa.Table | None) -> Iterator[tuple[Scalar, ...]]:
    """Yield the rows of *table* as values; one row without values for None.

    Raises:
        QueryRefused: INVALID_REQUEST for a type that cannot be a parameter.
    """
    if table is None:
        yield ()
        return
    columns = [_values(column) for column in table.columns]
    for row in zip(*columns, strict=True):
        yield cast(tuple[Scalar, ...], row)


def bound(table: pa.Table) -> pa.Table | None:
    """Return *table* as parameters; None where a client sent no column."""
    return table if table.num_columns else None


def merged(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return the schema that holds the results of all rows of parameters; a NULL alone has no type.

    Raises:
        QueryRefused: INVALID_REQUEST: they have nothing in common.
    """
    fields = []
    for same in zip(*schemas, strict=True):
        typed = [field for field in same if not pa.types.is_null(field.type)] or [same[0]]
        if all(field.type == typed[0].type for field in typed):
            fields.append(typed[0])
            continue
        try:
            fields += pa.unify_schemas([pa.schema([field]) for field in typed], promote_options="permissive")
        except pa.ArrowException:
            kinds = " and ".join(dict.fromkeys(str(field.type) for field in typed))
            raise invalid(f"the rows of parameters give column '{same[0].name}' types {kinds}") from None
    return pa.schema(fields)


def _values(column: pa.ChunkedArray) -> list[object]:
    """Return the values of a column; nanoseconds, which Python's types lack, are cut off."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _values(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_time64(kind) and kind.unit == "ns":
        column = column.cast(pa.time64("us"), safe=False)
    try:
        values = column.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException) as fault:
        raise invalid(f"a parameter of type {kind} cannot be read: {str(fault)[:200]}") from None
    plain = not pa.types.is_nested(kind) and kind != pa.month_day_nano_interval()
    return cast(list[object], values if plain else [_frozen(value, kind) for value in values])


def _frozen(value: Any, kind: pa.DataType) -> object:  # Any: whatever Arrow makes of its types
    """Return a nested value, or an interval, as the engine can bind it."""
    if value is None:
        return None
    if kind == pa.month_day_nano_interval():
        if value.months:
            raise invalid("an interval with months cannot be a parameter; write it in the SQL text")
        return dt.timedelta(days=value.days, microseconds=value.nanoseconds // 1000)
    if pa.types.is_map(kind):
        keys = tuple(_frozen(key, kind.key_type) for key, _ in value)
        return Struct(key=keys, value=tuple(_frozen(item, kind.item_type) for _, item in value))
    if pa.types.is_struct(kind):
        return Struct({field.name: _frozen(value[field.name], field.type) for field in kind})
    if pa.types.is_union(kind):
        raise invalid("a union cannot be a parameter")
    if isinstance(value, list):
        return tuple(_frozen(item, kind.value_type) for item in value)
    return value
