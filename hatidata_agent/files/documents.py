"""JSON files: one object on each line, or one array of objects.

Both are read in blocks of whole objects. The first pass finds each block's schema
and unites them, the second converts; memory stays bounded by a block.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import json as arrow_json

from hatidata_agent.files.packed import open_text

_BLOCK_BYTES = 8 << 20
_READ_BYTES = 1 << 20
_SPACE = " \t\r\n"


class JsonSource:
    """A JSON file, compressed or not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw, _ = open_text(path)
        self.size = path.stat().st_size
        self.schema = self._united()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows with the schema of the whole file."""
        options = arrow_json.ParseOptions(
            explicit_schema=self.schema, newlines_in_values=False, unexpected_field_behavior="error"
        )
        for block in self._blocks():
            table = arrow_json.read_json(io.BytesIO(block), _reading(block), options)
            yield from table.to_batches()

    def position(self) -> int:
        """Return how many bytes of the file have been read."""
        return int(self._raw.tell())

    def _united(self) -> pa.Schema:
        found = pa.schema([])
        for block in self._blocks():
            schema = arrow_json.read_json(io.BytesIO(block), _reading(block)).schema
            found = pa.unify_schemas([found, schema], promote_options="permissive")
        return pa.schema([_with_a_type(entry) for entry in found])

    def _blocks(self) -> Iterator[bytes]:
        self._raw, stream = open_text(self._path)
        yield from blocks(stream)


def blocks(stream: pa.NativeFile) -> Iterator[bytes]:
    """Yield whole objects of *stream*, one on each line, in blocks of some megabytes.

    Raises:
        pa.ArrowInvalid: It is neither objects by line nor one array of objects.
    """
    head = stream.read(_READ_BYTES)
    lines = _array_items(head, stream) if head.lstrip()[:1] == b"[" else None
    yield from _gathered(lines) if lines is not None else _cut_at_lines(head, stream)


def _cut_at_lines(head: bytes, stream: pa.NativeFile) -> Iterator[bytes]:
    rest = head
    while chunk := stream.read(_BLOCK_BYTES):
        rest += chunk
        end = rest.rfind(b"\n") + 1
        if rest[:end].strip():
            yield rest[:end]
        rest = rest[end:]
    if rest.strip():
        yield rest


def _gathered(lines: Iterator[bytes]) -> Iterator[bytes]:
    block = bytearray()
    for line in lines:
        block += line + b"\n"
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _array_items(head: bytes, stream: pa.NativeFile) -> Iterator[bytes]:
    """Yield the elements of the array that starts in *head*, each as one line of JSON."""
    decoder = json.JSONDecoder()
    text = _Text(head, stream)
    text.skip("[")
    while not text.at("]"):
        yield json.dumps(text.next_value(decoder)).encode()
        text.skip(",")


def _reading(block: bytes) -> arrow_json.ReadOptions:
    return arrow_json.ReadOptions(block_size=len(block) + 1)


def _with_a_type(entry: pa.Field) -> pa.Field:
    return entry.with_type(pa.string()) if pa.types.is_null(entry.type) else entry


class _Text:
    """A sliding window over the text of a stream."""

    def __init__(self, head: bytes, stream: pa.NativeFile) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._stream = stream
        self._text = self._decode(head)
        self._place = 0

    def at(self, character: str) -> bool:
        """Return whether *character* comes next, apart from space."""
        self._skip_space()
        return self._text.startswith(character, self._place)

    def skip(self, character: str) -> None:
        """Step over *character* if it comes next."""
        if self.at(character):
            self._place += 1

    def next_value(self, decoder: json.JSONDecoder) -> object:
        """Return the next value, reading on until it is whole."""
        while True:
            self._skip_space()
            try:
                value, self._place = decoder.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if not self._read_on():
                    raise pa.ArrowInvalid(f"JSON array: {error.msg}") from None
            else:
                return value

    def _skip_space(self) -> None:
        while True:
            while self._place < len(self._text) and self._text[self._place] in _SPACE:
                self._place += 1
            if self._place < len(self._text) or not self._read_on():
                return

    def _read_on(self) -> bool:
        chunk = self._stream.read(_READ_BYTES)
        self._text = self._text[self._place :] + self._decode(chunk)
        self._place = 0
        return bool(chunk)
