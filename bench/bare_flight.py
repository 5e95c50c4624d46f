"""The bare server: DuckDB's streaming reader behind one DoGet, and nothing else.

    python -m bench.bare_flight WAREHOUSE [PORT]

prints its port on the first line. A ticket is JSON, `{"sql", "batch_rows", "keep"}`; what is kept is
streamed from memory the next time, which is the limit of the wire. It speaks just enough Flight SQL for
the ADBC driver to run one unprepared SELECT, so that the driver's own cost can be told from ours.
"""

from __future__ import annotations

import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.flight as flight
from google.protobuf.any_pb2 import Any


class BareServer(flight.FlightServerBase):  # type: ignore[misc]  # pyarrow publishes no types
    """No authentication, no policy, no metering, no audit: what they cost is what we measure."""

    def __init__(self, warehouse: str, location: str) -> None:
        super().__init__(location)
        self._batch_rows = 16_384
        self._kept: dict[bytes, pa.Table] = {}
        self._database = duckdb.connect(warehouse, read_only=True, config={"threads": "2"})

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        """Point a Flight SQL statement query at a ticket with its text; the schema comes with the rows."""
        sql = _statement_query(Any.FromString(descriptor.command).value)
        ticket = json.dumps({"sql": sql, "batch_rows": self._batch_rows}).encode()
        schema = self._database.cursor().sql(sql).limit(0).to_arrow_table().schema
        return flight.FlightInfo(schema, descriptor, [flight.FlightEndpoint(ticket, [])], -1, -1)

    def do_get(self, context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.RecordBatchStream:
        """Stream the query's batches."""
        if ticket.ticket in self._kept:
            return flight.RecordBatchStream(self._kept[ticket.ticket])
        question = json.loads(ticket.ticket)
        self._batch_rows = question.get("batch_rows", self._batch_rows)
        reader = self._database.cursor().sql(question["sql"]).to_arrow_reader(self._batch_rows)
        if not question.get("keep"):
            return flight.RecordBatchStream(reader)
        self._kept[ticket.ticket] = reader.read_all()
        return flight.RecordBatchStream(self._kept[ticket.ticket])


def _statement_query(command: bytes) -> str:
    """The text in a CommandStatementQuery: field 1, a length as varint, UTF-8."""
    size, shift, start = 0, 0, 1
    while True:
        byte = command[start]
        size |= (byte & 0x7F) << shift
        shift, start = shift + 7, start + 1
        if not byte & 0x80:
            return command[start : start + size].decode()


if __name__ == "__main__":
    server = BareServer(sys.argv[1], f"grpc://127.0.0.1:{sys.argv[2] if len(sys.argv) > 2 else 0}")
    print(server.port, flush=True)
    server.serve()
