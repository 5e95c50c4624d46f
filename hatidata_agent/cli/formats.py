"""The forms in which `hati query` writes an answer, one function each, batch by batch."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import shutil
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Writer = Callable[[pa.Schema, Iterable[pa.RecordBatch], BinaryIO], None]

BINARY = frozenset({"arrow", "parquet"})

_SHOWN_ROWS = 100
_UNPRINTED_WIDTH = 120


def write_table(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Draw the first rows as a table; the rest is only counted."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for entry in schema:
        table.add_column(entry.name, justify="right" if _is_number(entry.type) else "left")
    rows = 0
    for batch in batches:
        for row in _cells(batch, max(0, _SHOWN_ROWS - rows)):
            table.add_row(*row)
        rows += batch.num_rows
    width = shutil.get_terminal_size().columns if sink.isatty() else _UNPRINTED_WIDTH
    text = io.TextIOWrapper(sink, "utf-8", write_through=True)
    console = Console(file=text, width=width, force_terminal=sink.isatty(), highlight=False)
    if schema.names:
        console.print(table)
    if rows > _SHOWN_ROWS:
        console.print(f"{rows - _SHOWN_ROWS:,} more rows: use -o FILE or --format csv")
    text.detach()


def write_csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write CSV with a header; nested values are JSON text."""
    flat = pa.schema([pa.field(entry.name, _csv_type(entry.type)) for entry in schema])
    if not flat.names:
        return
    with pyarrow.csv.CSVWriter(sink, flat) as writer:
        for batch in batches:
            columns = [_csv_column(batch.column(i), flat.field(i).type) for i in range(len(flat))]
            writer.write_batch(pa.record_batch(columns, schema=flat))


def write_json(_: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write a JSON array with one row on each line."""
    separator = b"["
    for batch in batches:
        for row in _rows(batch):
            sink.write(separator + b"\n" + json.dumps(row, ensure_ascii=False, default=json_value).encode())
            separator = b","
    sink.write(b"[]\n" if separator == b"[" else b"\n]\n")


def write_arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write an Arrow IPC stream."""
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def write_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write a Parquet file, compressed with Zstandard."""
    with pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


WRITERS: dict[str, Writer] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
    "arrow": write_arrow,
    "parquet": write_parquet,
}


def json_value(value: object) -> object:
    """Return what stands in JSON for a value that has no form of its own there."""
    match value:
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta() | Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case tuple():
            return list(value)
        case _:
            return str(value)


def _cells(batch: pa.RecordBatch, limit: int) -> Iterable[tuple[str, ...]]:
    from rich.markup import escape

    head = batch.slice(0, limit)
    columns = [[escape(_shown(value)) for value in _readable(column).to_pylist()] for column in head.columns]
    return zip(*columns, strict=True)


def _readable(column: pa.Array) -> pa.Array:
    """Return *column*; short floats as text, for a float of Python shows digits that they do not have."""
    short = pa.types.is_float32(column.type) or pa.types.is_float16(column.type)
    return column.cast(pa.string()) if short else column


def _shown(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=json_value)
    return value.hex() if isinstance(value, bytes) else str(value)


def _rows(batch: pa.RecordBatch) -> Iterable[dict[str, object]]:
    columns = [column.to_pylist() for column in batch.columns]
    names = batch.schema.names
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _csv_type(kind: pa.DataType) -> pa.DataType:
    """Return *kind* if CSV can hold it as it is, else text."""
    types = pa.types
    plain = _is_number(kind) or types.is_temporal(kind) or types.is_boolean(kind) or types.is_string(kind)
    return kind if plain and not types.is_interval(kind) and not types.is_duration(kind) else pa.string()


def _csv_column(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    return pa.array([None if value is None else _shown(value) for value in column.to_pylist()], kind)
