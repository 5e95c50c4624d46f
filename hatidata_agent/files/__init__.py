"""Local files as Arrow batches: Parquet, CSV, JSON and Arrow, read as a stream.

The service never opens a user's file; the client reads it and sends batches. The
types of a text file are settled over the whole file before the first batch
leaves, so that a late surprise fails before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa

_COMPRESSED = frozenset({".gz", ".zst", ".bz2"})
_CSV = frozenset({".csv", ".tsv"})
_JSON = frozenset({".json", ".jsonl", ".ndjson"})
_ARROW = frozenset({".arrow", ".arrows", ".feather", ".ipc"})


class FileError(Exception):
    """A file that cannot be loaded, and why; no traceback is needed to understand it."""


class Source(Protocol):
    """A file that is read as batches of one schema.

    Attributes:
        size: Its bytes, the end of the progress bar.
    """

    schema: pa.Schema
    size: int

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, from the first one each time."""

    def position(self) -> int:
        """Return how many bytes have been read."""


def open_source(path: Path) -> Source:
    """Return *path* as a source; its suffix says what it is.

    Raises:
        FileError: The suffix is unknown, or the content is not what the suffix says.
        OSError: It cannot be read.
    """
    suffix = _kind(path)
    try:
        if suffix == ".parquet":
            from hatidata_agent.files.columnar import ParquetSource

            return ParquetSource(path)
        if suffix in _ARROW:
            from hatidata_agent.files.columnar import ArrowSource

            return ArrowSource(path)
        if suffix in _CSV:
            from hatidata_agent.files.delimited import CsvSource

            return CsvSource(path, "\t" if suffix == ".tsv" else ",")
        if suffix in _JSON:
            from hatidata_agent.files.documents import JsonSource

            return JsonSource(path)
    except pa.ArrowException as error:
        raise FileError(f"{path}: {_first_line(error)}") from None
    known = ", ".join(sorted({".parquet", *_CSV, *_JSON, *_ARROW}))
    raise FileError(f"{path}: unknown kind of file; known are {known}, and text with .gz, .zst or .bz2")


def table_name(path: Path) -> str:
    """Return the name of the table for *path* when the user gave none: the file's, made an identifier."""
    stem = path.name.split(".")[0].lower()
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in stem)
    return f"_{name}" if not name or name[0].isdigit() else name


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
