"""Arrow types that arrive and that the engine does not know, turned into ones that it does. No I/O."""

from __future__ import annotations

import pyarrow as pa

from flight_server.protocols.flight.messages import invalid

_MOST_DIGITS = 38


def storable(schema: pa.Schema) -> pa.Schema:
    """Return *schema* with the types that the engine knows; values keep their meaning.

    Raises:
        QueryRefused: INVALID_REQUEST for a column of no type that can be stored.
    """
    return pa.schema([field.with_type(_known(field.name, field.type)) for field in schema], schema.metadata)


def without_nulls(schema: pa.Schema) -> pa.Schema:
    """Return *schema* with text for columns of nulls alone: a column of type NULL takes no value ever."""
    return pa.schema(
        [field.with_type(pa.utf8()) if pa.types.is_null(field.type) else field for field in schema],
        schema.metadata,
    )


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return *batch* with the types of *schema*, as it is where it has them.

    Raises:
        QueryRefused: INVALID_REQUEST for a value that does not fit.
    """
    if batch.schema.types == schema.types:
        return batch
    try:
        columns = [
            column if column.type == field.type else column.cast(field.type)
            for column, field in zip(batch.columns, schema, strict=True)
        ]
    except pa.ArrowException:
        raise invalid("a value does not fit any type that can be stored") from None
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _known(name: str, kind: pa.DataType) -> pa.DataType:
    """Return the type in which values of *kind* are stored."""
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal(kind):
        return _known_decimal(name, kind)
    if pa.types.is_union(kind) or any(_is_unknown(part) for part in _parts(kind)):
        raise invalid(f"column '{name[:128]}' has type {str(kind)[:200]}, which cannot be stored")
    return kind


def _known_decimal(name: str, kind: pa.DataType) -> pa.DataType:
    digits, scale = kind.precision - min(kind.scale, 0), max(kind.scale, 0)
    if digits > _MOST_DIGITS:
        raise invalid(f"column '{name[:128]}' has type {kind}; a decimal has at most {_MOST_DIGITS} digits")
    return kind if kind.bit_width <= 128 and kind.scale >= 0 else pa.decimal128(digits, scale)


def _is_unknown(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind):
        return bool(kind.bit_width > 128 or kind.scale < 0)
    return pa.types.is_float16(kind) or pa.types.is_union(kind) or any(map(_is_unknown, _parts(kind)))


def _parts(kind: pa.DataType) -> list[pa.DataType]:
    """Return the types inside a nested one."""
    if isinstance(kind, pa.BaseExtensionType):
        return [kind.storage_type]
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return [kind.value_type]
    if pa.types.is_nested(kind):
        return [kind.field(index).type for index in range(kind.num_fields)]
    return []
