"""Record batches of the right size: about a megabyte, by bytes and not by rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from flight_server.batch_size import size_of

COUNT_SCHEMA = pa.schema([pa.field("Count", pa.int64())])
"""What a statement answers that returns no rows: how many it changed."""

_VECTOR = 2048
_MOST_ROWS = 122_880
_WIDTHS = {"boolean": 1, "tinyint": 1, "utinyint": 1, "smallint": 2, "usmallint": 2, "integer": 4, "date": 4}
_WIDE = {"decimal": 16, "hugeint": 16, "interval": 16, "varchar": 16, "blob": 64, "uuid": 40}
_NESTED = 128


def rows_per_batch(kinds: Sequence[DuckDBPyType], batch_bytes: int) -> int:
    """Return how many rows of these types make about *batch_bytes*, in whole vectors of DuckDB."""
    width = sum(map(_width, kinds)) or 1
    rows = round(batch_bytes / width / _VECTOR) * _VECTOR
    return min(max(rows, _VECTOR), _MOST_ROWS)


def _width(kind: DuckDBPyType) -> int:
    name = str(kind.id)
    if name in ("list", "array", "map", "struct", "union"):
        return _NESTED
    return _WIDTHS.get(name) or _WIDE.get(name) or 8


def cut(batch: pa.RecordBatch, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield *batch* in slices of about *batch_bytes* at most, or of one row; no buffer is copied."""
    size = size_of(batch)
    if size <= batch_bytes * 5 // 4 or batch.num_rows < 2:
        yield batch
        return
    length = max(1, batch.num_rows * batch_bytes // size)
    for start in range(0, batch.num_rows, length):
        yield from cut(batch.slice(start, length), batch_bytes)
