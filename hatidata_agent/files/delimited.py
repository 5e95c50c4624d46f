"""CSV files, whose column types hold for every row and not only for the first block.

pyarrow infers types from the first block and fails when a later one disagrees.
The whole file is therefore read once before anything is sent; each disagreement
widens the type of its column, and reading starts again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from hatidata_agent.files.packed import open_text

_BLOCK_BYTES = 8 << 20
_COLUMN = re.compile(r"In CSV column #(\d+): CSV conversion error")
_WIDER = {pa.null(): pa.int64(), pa.int64(): pa.float64()}


class CsvSource:
    """A CSV or TSV file with a header line, compressed or not."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self._path = path
        self._parsing = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
        self._types: dict[str, pa.DataType] = {}
        self._raw, _ = open_text(path)
        self.size = path.stat().st_size
        self.schema = self._settled()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows with the settled types."""
        yield from self._reader()

    def position(self) -> int:
        """Return how many bytes of the file have been read."""
        return int(self._raw.tell())

    def _settled(self) -> pa.Schema:
        reader = self._reader()
        schema: pa.Schema = reader.schema
        while (position := _disagreeing_column(reader)) is not None:
            entry = schema.field(position)
            self._types[entry.name] = _WIDER.get(self._types.get(entry.name, entry.type), pa.string())
            reader = self._reader()
            schema = reader.schema
        return _without_null_types(schema, self._types) if self._types or _has_null(schema) else schema

    def _reader(self) -> csv.CSVStreamingReader:
        self._raw, stream = open_text(self._path)
        return csv.open_csv(
            stream,
            csv.ReadOptions(block_size=_BLOCK_BYTES),
            self._parsing,
            csv.ConvertOptions(column_types=self._types, strings_can_be_null=True),
        )


def _disagreeing_column(reader: csv.CSVStreamingReader) -> int | None:
    """Read to the end and return the column whose type does not fit, or None."""
    try:
        for _ in reader:
            pass
    except pa.ArrowInvalid as error:
        found = _COLUMN.search(str(error))
        if found is None:
            raise
        return int(found[1])
    return None


def _has_null(schema: pa.Schema) -> bool:
    return any(pa.types.is_null(entry.type) for entry in schema)


def _without_null_types(schema: pa.Schema, types: dict[str, pa.DataType]) -> pa.Schema:
    """Make a column that has no value at all one of text, and tell the reader so."""
    for entry in schema:
        if pa.types.is_null(entry.type):
            types[entry.name] = pa.string()
    return pa.schema([pa.field(entry.name, types.get(entry.name, entry.type)) for entry in schema])
