"""What the engine says of its own catalog, with the public name of the warehouse in it."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from flight_server.syntax.names import PUBLIC_CATALOG


def with_public_names(reader: pa.RecordBatchReader, sealed_catalog: str) -> pa.RecordBatchReader:
    """Return *reader* with the public name instead of *sealed_catalog* in its texts and lists of texts."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            columns = [_public(column, sealed_catalog) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _public(column: pa.Array, sealed_catalog: str) -> pa.Array:
    if pa.types.is_string(column.type):
        return pc.replace_substring(column, sealed_catalog, PUBLIC_CATALOG)
    if pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type):
        values = pc.replace_substring(column.values, sealed_catalog, PUBLIC_CATALOG)
        return pa.ListArray.from_arrays(column.offsets, values, column.type, mask=column.is_null())
    return column
