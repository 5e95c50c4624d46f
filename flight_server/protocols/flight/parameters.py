"""Parameter values as Arrow rows, turned into what the pipeline binds. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pyarrow as pa

from flight_server.model import Scalar
from flight_server.protocols.flight.messages import invalid


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
        return cast(list[object], column.to_pylist())
    except (ValueError, OverflowError, pa.ArrowException) as fault:
        raise invalid(f"a parameter of type {kind} cannot be read: {str(fault)[:200]}") from None
