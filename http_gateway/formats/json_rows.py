"""A result as JSON: one object for each row, made column by column.

The text of a batch is put together by Arrow's string kernels. Python touches single values
only of nested types, of binary columns and of text with control characters.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from http_gateway.flight.messages import FlightData
from http_gateway.formats.names import unique_names
from http_gateway.formats.sink import Sink
from http_gateway.formats.stream import record_batches
from http_gateway.receipt import Receipt

_SEPARATOR: Final = ",\n"
_ESCAPES: Final = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def write_json(messages: Iterator[FlightData], sink: Sink, receipt: Callable[[], Receipt]) -> int:
    """Write the result to *sink* and return the number of columns.

    Args:
        messages: The Flight messages of the result.
        sink: Where the text goes.
        receipt: Returns the receipt once the messages are exhausted.
    """
    reader = record_batches(messages)
    names = unique_names(reader.schema.names)
    sink.write(_head(reader.schema, names))
    separator = b""
    for batch in reader:
        if batch.num_rows:
            sink.write(separator, rows_text(batch, names).encode())
            separator = _SEPARATOR.encode()
    sink.write(_tail(receipt()))
    sink.finish()
    return len(names)


def rows_text(batch: pa.RecordBatch, names: Sequence[str]) -> str:
    """Return the rows of *batch* as JSON objects with a comma between them."""
    if not names:
        return _SEPARATOR.join(["{}"] * batch.num_rows)
    parts: list[Any] = []
    for position, name in enumerate(names):
        parts += [("," if position else "{") + json.dumps(name, ensure_ascii=False) + ":"]
        parts += [_texts(batch.column(position))]
    rows = pc.binary_join_element_wise(*parts, "}", "")
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(rows)], rows), _SEPARATOR)
    return str(joined[0].as_py())


def _head(schema: pa.Schema, names: Sequence[str]) -> bytes:
    columns = [{"name": name, "type": str(field.type)} for name, field in zip(names, schema, strict=True)]
    return f'{{"columns": {json.dumps(columns, ensure_ascii=False)}, "rows": ['.encode()


def _tail(receipt: Receipt) -> bytes:
    fields = {
        "row_count": receipt.rows,
        "rows_affected": receipt.affected,
        "query_id": receipt.query_id,
        "execution_time_ms": round(receipt.duration_ms),
        "credits_consumed": receipt.credits_consumed,
    }
    return f"], {json.dumps(fields)[1:]}".encode()


def _texts(column: pa.Array) -> pa.Array:
    """Return the JSON text of every value, `null` for nulls."""
    kind = column.type
    for matches, convert in _CONVERSIONS:
        if matches(kind):
            return pc.fill_null(convert(column), "null")
    return pa.array(map(_one_text, column.to_pylist()), pa.string())


def _quoted(texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', texts, '"', "")


def _as_text(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())


def _of_float(column: pa.Array) -> pa.Array:
    """JSON has no NaN and no infinity: both become null."""
    return pc.if_else(pc.is_finite(column), _as_text(column), None)


def _of_quoted(column: pa.Array) -> pa.Array:
    return _quoted(_as_text(column))


def _of_timestamp(column: pa.Array) -> pa.Array:
    naive = column.cast(pa.timestamp(column.type.unit))
    texts = pc.replace_substring(_as_text(naive), " ", "T", max_replacements=1)
    return _quoted(texts if column.type.tz is None else pc.binary_join_element_wise(texts, "Z", ""))


def _of_string(column: pa.Array) -> pa.Array:
    escaped = _as_text(column)
    for character, escape in _ESCAPES:
        escaped = pc.replace_substring(escaped, character, escape)
    if pc.any(pc.match_substring_regex(escaped, "[\\x00-\\x1f]")).as_py():
        return pa.array(map(_one_text, column.to_pylist()), pa.string())
    return _quoted(escaped)


def _of_dictionary(column: pa.Array) -> pa.Array:
    return _texts(column.dictionary_decode())


def _of_null(column: pa.Array) -> pa.Array:
    return pa.nulls(len(column), pa.string())


_CONVERSIONS: Final[Sequence[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], pa.Array]]]] = (
    (pa.types.is_integer, _as_text),
    (pa.types.is_floating, _of_float),
    (pa.types.is_boolean, _as_text),
    (pa.types.is_string, _of_string),
    (pa.types.is_large_string, _of_string),
    (pa.types.is_decimal, _of_quoted),
    (pa.types.is_date, _of_quoted),
    (pa.types.is_time, _of_quoted),
    (pa.types.is_timestamp, _of_timestamp),
    (pa.types.is_dictionary, _of_dictionary),
    (pa.types.is_null, _of_null),
)


def _one_text(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    """Return *value* with only what JSON has: the forms are those of docs/http.md."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, pa.MonthDayNano):
        return {"months": value.months, "days": value.days, "nanoseconds": value.nanoseconds}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat else str(value)
