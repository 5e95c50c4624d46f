"""A result as an Arrow IPC stream.

Without IPC compression nothing is decoded: the body is the Flight server's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from http_gateway.accept import IpcCodec
from http_gateway.flight.messages import END_OF_STREAM, FlightData, framed
from http_gateway.formats.sink import Sink
from http_gateway.formats.stream import column_count, record_batches
from http_gateway.spool import Chunk


def write_arrow(messages: Iterator[FlightData], sink: Sink, codec: IpcCodec | None = None) -> int:
    """Write the stream to *sink* and return the number of columns."""
    return _recompressed(messages, sink, codec) if codec else _copied(messages, sink)


def _copied(messages: Iterator[FlightData], sink: Sink) -> int:
    columns = 0
    for position, message in enumerate(messages):
        if position == 0:
            columns = column_count(message.header)
        sink.write(*framed(message))
    sink.write(END_OF_STREAM)
    sink.finish()
    return columns


def _recompressed(messages: Iterator[FlightData], sink: Sink, codec: IpcCodec) -> int:
    reader = record_batches(messages)
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(pa.PythonFile(SinkFile(sink), mode="w"), reader.schema, options=options) as writer:
        for batch in reader:
            writer.write_batch(batch)
    sink.finish()
    return len(reader.schema)


class SinkFile:
    """The write side of a file object, for encoders that want one."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._position = 0

    def write(self, part: Chunk) -> int:
        """Append *part*; its bytes are copied, for the encoder may use them again."""
        self._sink.write(bytes(part))
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        """Return how much was written."""
        return self._position

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Forbid further writes."""
        self.closed = True
