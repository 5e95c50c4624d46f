"""The bare gateway: Flask under gunicorn's gthread that streams the bare server's batches.

BARE_FLIGHT=grpc://127.0.0.1:PORT gunicorn -k gthread --threads 32 bench.bare_gateway:app
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.flight as flight
from flask import Flask, Response, request

app = Flask(__name__)
client = flight.connect(os.environ.get("BARE_FLIGHT", "grpc://127.0.0.1:8815"))


class _Pieces:
    """A sink that hands on what the Arrow writer writes, as it is written."""

    closed = False

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Keep *piece* until it is taken."""
        self.pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        """Everything written since the last time, as one piece."""
        taken = b"".join(self.pieces)
        self.pieces.clear()
        return taken

    def flush(self) -> None:
        """Nothing is held back."""

    def writable(self) -> bool:
        """A sink can always be written."""
        return True


@app.post("/query")
def query() -> Response:
    """Answer the JSON of the body with an Arrow stream, one piece for each batch."""
    reader = client.do_get(flight.Ticket(request.get_data()))
    return Response(_stream(reader), mimetype="application/vnd.apache.arrow.stream")


def _stream(reader: flight.FlightStreamReader) -> Iterator[bytes]:
    sink = _Pieces()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), reader.schema) as writer:
        for chunk in reader:
            writer.write_batch(chunk.data)
            yield sink.take()
    yield sink.take()
