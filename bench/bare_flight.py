"""The bare server: DuckDB's streaming reader behind one DoGet, and nothing else.

    python -m bench.bare_flight WAREHOUSE [PORT]

prints its port on the first line. A ticket is JSON, `{"sql", "batch_rows", "keep"}`; what is kept is
streamed from memory the next time, which is the limit of the wire.
"""

from __future__ import annotations

import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.flight as flight


class BareServer(flight.FlightServerBase):  # type: ignore[misc]  # pyarrow publishes no types
    """No authentication, no policy, no metering, no audit: what they cost is what we measure."""

    def __init__(self, warehouse: str, location: str) -> None:
        super().__init__(location)
        self._kept: dict[bytes, pa.Table] = {}
        self._database = duckdb.connect(warehouse, read_only=True, config={"threads": "2"})

    def do_get(self, context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.RecordBatchStream:
        """Stream the query's batches."""
        if ticket.ticket in self._kept:
            return flight.RecordBatchStream(self._kept[ticket.ticket])
        question = json.loads(ticket.ticket)
        relation = self._database.cursor().sql(question["sql"])
        reader = relation.to_arrow_reader(question.get("batch_rows", 16_384))
        if not question.get("keep"):
            return flight.RecordBatchStream(reader)
        self._kept[ticket.ticket] = reader.read_all()
        return flight.RecordBatchStream(self._kept[ticket.ticket])


if __name__ == "__main__":
    server = BareServer(sys.argv[1], f"grpc://127.0.0.1:{sys.argv[2] if len(sys.argv) > 2 else 0}")
    print(server.port, flush=True)
    server.serve()
