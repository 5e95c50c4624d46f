"""Between Flight messages and record batches, and the cap on both."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from http_gateway.flight.messages import END_OF_STREAM, FlightData, framed
from http_gateway.formats.sink import too_large
from http_gateway.spool import Chunk


def capped(messages: Iterable[FlightData], max_bytes: int) -> Iterator[FlightData]:
    """Yield *messages* as long as their Arrow bytes stay within the cap.

    Raises:
        Refused: `RESULT_TOO_LARGE` with the message that passes the cap.
    """
    total = 0
    for message in messages:
        total += len(message.header) + len(message.body)
        if total > max_bytes:
            raise too_large(max_bytes)
        yield message


@functools.lru_cache(maxsize=512)
def column_count(schema_header: bytes) -> int:
    """Return the number of columns of the schema in a stream's first message."""
    message = FlightData(schema_header, b"", memoryview(b""))
    return len(pa.ipc.read_schema(pa.py_buffer(framed(message)[0])))


def record_batches(messages: Iterable[FlightData]) -> Any:  # a pa.RecordBatchReader; pyarrow has no types
    """Return a reader of the batches in *messages*, dictionaries resolved."""
    return pa.ipc.open_stream(pa.PythonFile(_MessageFile(messages), mode="r"))


class _MessageFile:
    """The read side of a file object over framed messages; bodies are lent, not copied."""

    closed = False

    def __init__(self, messages: Iterable[FlightData]) -> None:
        self._parts = _parts(messages)
        self._part = memoryview(b"")

    def read(self, size: int) -> Chunk:
        if len(self._part) >= size:
            return self._taken(size)
        pieces = []
        while size > 0 and self._more():
            pieces.append(bytes(self._taken(min(size, len(self._part)))))
            size -= len(pieces[-1])
        return b"".join(pieces)

    def close(self) -> None:
        self.closed = True

    def _taken(self, size: int) -> memoryview:
        taken, self._part = self._part[:size], self._part[size:]
        return taken

    def _more(self) -> bool:
        while not self._part:
            following = next(self._parts, None)
            if following is None:
                return False
            self._part = memoryview(following)
        return True


def _parts(messages: Iterable[FlightData]) -> Iterator[Chunk]:
    for message in messages:
        yield from framed(message)
    yield END_OF_STREAM
