"""A result as a Parquet file that is written while it is sent.

Memory holds one row group. Parquet's end is its footer, so a file that was cut is no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from http_gateway.errors import Code, Refused
from http_gateway.formats.names import unique_names
from http_gateway.spool import Chunk

ROW_GROUP_BYTES: Final = 16 * 1024 * 1024
COMPRESSION: Final = "snappy"


class _Outbox:
    """The file object that the Parquet writer fills and the response empties."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def write(self, part: Chunk) -> int:
        self._parts.append(bytes(part))
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Do nothing: what is written can be taken at once."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def parquet_pieces(reader: Any) -> Iterator[bytes]:  # reader: a pa.RecordBatchReader; pyarrow has no types
    """Yield the file in pieces, the first of them before the second batch is read.

    Raises:
        Refused: `QUERY_ERROR` when Parquet has no form for a column's type.
    """
    schema = _named(reader.schema)
    outbox = _Outbox()
    with _writer(outbox, schema) as writer:
        for batches in _row_groups(reader):
            table = pa.Table.from_batches(batches).rename_columns(schema.names)
            writer.write_table(table, row_group_size=max(1, table.num_rows))
            yield outbox.take()
    yield outbox.take()


def _named(schema: pa.Schema) -> pa.Schema:
    names = unique_names(schema.names)
    fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
    return pa.schema(fields, metadata=schema.metadata)


def _writer(outbox: _Outbox, schema: pa.Schema) -> pq.ParquetWriter:
    try:
        return pq.ParquetWriter(outbox, schema, compression=COMPRESSION)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as fault:
        raise Refused(
            Code.QUERY_ERROR, "Parquet has no form for the type of a column; cast it to text"
        ) from fault


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    group: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        group.append(batch)
        size += batch.nbytes
        if size >= ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
