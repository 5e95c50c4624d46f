"""Rows and parameters that clients send: ingest, updates, and the binding of parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import pyarrow as pa
import pyarrow.flight as fl

from flight_server.engines.engine import Load
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Receipt
from flight_server.pipeline import Pipeline
from flight_server.protocols.flight.arriving import fitted, storable, without_nulls
from flight_server.protocols.flight.exchange import Asked, Exchange, query_of
from flight_server.protocols.flight.messages import IngestCommand, invalid, receipt_bytes
from flight_server.protocols.flight.parameters import bound
from flight_server.protocols.flight.protobuf import make
from flight_server.protocols.flight.session import new_query_id
from flight_server.protocols.flight.sessions import FlightSession, Sessions
from flight_server.protocols.flight.statements import READS_START_S, Statements
from flight_server.syntax.names import fold

MOST_BOUND_BYTES = 512 << 20
CATALOG = "hatidata"
Creates = Literal["no", "new", "missing", "anew"]

_BY_MODE: dict[str, Creates] = {
    "create": "new",
    "append": "no",
    "replace": "anew",
    "create_append": "missing",
}
_BY_OPTIONS: dict[tuple[int, int], Creates] = {
    (1, 1): "new",
    (1, 2): "missing",
    (1, 3): "anew",
    (2, 2): "no",
}
"""`Load.creates` by the options if_not_exist (create, fail) and if_exists (fail, append, replace)."""


class Arrivals:
    """How much the server has taken in, for the metrics; it grows while rows arrive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.running = 0
        self.rows = 0
        self.bytes = 0

    def add(self, running: int = 0, rows: int = 0, size: int = 0) -> None:
        """Count what has just happened."""
        with self._lock:
            self.running += running
            self.rows += rows
            self.bytes += size


class Puts:
    """Answers DoPut."""

    def __init__(
        self, pipeline: Pipeline, sessions: Sessions, statements: Statements, longest_ms: int
    ) -> None:
        self._pipeline = pipeline
        self._sessions = sessions
        self._statements = statements
        self._longest_ms = longest_ms
        self.arrivals = Arrivals()
        self._by_kind: dict[str, Callable[[Exchange, Any, fl.MetadataRecordBatchReader], bytes]] = {
            "IngestCommand": self._ingest_json,
            "CommandStatementIngest": self._ingest,
            "CommandStatementUpdate": self._update,
            "CommandPreparedStatementUpdate": self._update_prepared,
            "CommandPreparedStatementQuery": self._bind,
        }

    def takes(self, kind: str) -> bool:
        """Tell whether the command *kind* comes with rows."""
        return kind in self._by_kind

    def put(self, exchange: Exchange, kind: str, command: Any, reader: fl.MetadataRecordBatchReader) -> bytes:
        """Do what *command* says with the rows of *reader*, and return the result's metadata."""
        return self._by_kind[kind](exchange, command, reader)

    def _ingest_json(
        self, exchange: Exchange, command: IngestCommand, reader: fl.MetadataRecordBatchReader
    ) -> bytes:
        schema, _, table = command.table.rpartition(".")
        load = Load(schema or exchange.session.engine.default_schema, table, _BY_MODE[command.mode])
        return receipt_bytes(self._load(exchange, exchange.session, load, reader))

    def _ingest(self, exchange: Exchange, command: Any, reader: fl.MetadataRecordBatchReader) -> bytes:
        options = command.table_definition_options
        creates = _BY_OPTIONS.get((options.if_not_exist, options.if_exists))
        if creates is None:
            raise invalid("these table definition options do not go together, or are not set")
        if command.HasField("catalog") and fold(command.catalog) not in ("", CATALOG):
            raise invalid(f"the catalog is '{CATALOG}'")
        session = exchange.session
        if command.transaction_id:
            session = self._statements.session_of(exchange, command.transaction_id)
        schema = command.schema or session.engine.default_schema
        load = Load(schema, command.table, creates, command.temporary)
        receipt = self._load(exchange, session, load, reader)
        return _counted(receipt)

    def _load(
        self, exchange: Exchange, session: FlightSession, load: Load, reader: fl.MetadataRecordBatchReader
    ) -> Receipt:
        if not load.table:
            raise invalid("the table's name is empty")
        session.let_reads_start(READS_START_S)
        target = ".".join(map(_quoted, (load.table,) if load.temporary else (load.schema, load.table)))
        asked = Asked(f"INSERT INTO {target} SELECT 'ingest'", self._longest_ms, "duckdb")
        query = query_of(exchange, asked, (), exchange.told_id or new_query_id())
        self.arrivals.add(running=1)
        try:
            rows = self._counted_rows(reader.to_reader(), exchange.is_gone, load.creates != "no")
            return self._pipeline.load(
                query, load, rows, session.engine, exchange.is_gone, session.session_id
            )
        finally:
            self.arrivals.add(running=-1)

    def _counted_rows(
        self, reader: pa.RecordBatchReader, is_gone: Callable[[], bool], makes_table: bool
    ) -> pa.RecordBatchReader:
        """Return *reader* with its rows counted as they pass; a client that leaves is not its end."""
        schema = storable(reader.schema)
        if makes_table:
            schema = without_nulls(schema)

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                self.arrivals.add(rows=batch.num_rows, size=batch.nbytes)
                yield fitted(batch, schema)
            if is_gone():
                raise QueryRefused(ErrorCode.QUERY_CANCELLED, detail="the client left in mid-stream")

        return pa.RecordBatchReader.from_batches(schema, batches())

    def _update(self, exchange: Exchange, command: Any, reader: fl.MetadataRecordBatchReader) -> bytes:
        asked = Asked(command.query, self._longest_ms, transaction=command.transaction_id)
        return _counted(self._statements.change(exchange, asked)[1])

    def _update_prepared(
        self, exchange: Exchange, command: Any, reader: fl.MetadataRecordBatchReader
    ) -> bytes:
        session, statement = self._sessions.of_statement(exchange.session, command.prepared_statement_handle)
        rows = _read_bound(reader) if statement.parameters else None
        asked = Asked(statement.sql, self._longest_ms, transaction=statement.transaction, rows=rows)
        return _counted(self._statements.change(replace(exchange, session=session), asked)[1])

    def _bind(self, exchange: Exchange, command: Any, reader: fl.MetadataRecordBatchReader) -> bytes:
        session, statement = self._sessions.of_statement(exchange.session, command.prepared_statement_handle)
        rows = _read_bound(reader)
        if not session.bind(statement, rows, MOST_BOUND_BYTES):
            raise invalid(f"parameters bound in a session may take {MOST_BOUND_BYTES} bytes")
        result = make("DoPutPreparedStatementResult", prepared_statement_handle=statement.handle)
        return bytes(result.SerializeToString())


def _read_bound(reader: fl.MetadataRecordBatchReader) -> pa.Table | None:
    """Return the parameters that a client sends; None if it sends none."""
    batches: list[pa.RecordBatch] = []
    size = 0
    for chunk in reader:
        if chunk.data is not None:
            batches.append(fitted(chunk.data, storable(chunk.data.schema)))
            size += chunk.data.nbytes
        if size > MOST_BOUND_BYTES:
            raise invalid(f"parameters may take {MOST_BOUND_BYTES} bytes; use bulk ingest for more")
    return bound(pa.Table.from_batches(batches)) if batches else None


def _counted(receipt: Receipt) -> bytes:
    count = -1 if receipt.rows_affected is None else receipt.rows_affected
    return bytes(make("DoPutUpdateResult", record_count=count).SerializeToString())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
