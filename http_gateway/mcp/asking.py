"""What one call of a tool may do: ask the Flight server as its caller, and be stopped."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from http_gateway.credentials import Caller
from http_gateway.flight.client import FlightCall
from http_gateway.flight.messages import FlightData, browse_command
from http_gateway.formats.arrow import write_arrow
from http_gateway.formats.json_rows import rows_text
from http_gateway.formats.names import unique_names
from http_gateway.formats.sink import sink_for
from http_gateway.formats.stream import capped, record_batches
from http_gateway.gateway import Gateway
from http_gateway.mcp.results import KeptResults
from http_gateway.receipt import Receipt
from http_gateway.request_body import QueryBody
from http_gateway.spool import Spool

INLINE_BYTES: Final = 1_000_000
"""The largest result that goes into a model's context."""


@dataclass(frozen=True, slots=True)
class Result:
    """A whole result as an Arrow stream, in a spool that its user closes or keeps."""

    spool: Spool
    receipt: Receipt
    columns: int
    question: QueryBody

    @property
    def is_small(self) -> bool:
        """Whether it may go into a model's context."""
        return self.spool.length <= INLINE_BYTES

    def stream(self) -> bytes:
        """Return the Arrow IPC stream."""
        return b"".join(self.spool.pieces())


class Asking:
    """The Flight server, as one caller of one tool sees it."""

    def __init__(self, gateway: Gateway, kept: KeptResults, caller: Caller) -> None:
        self.gateway = gateway
        self.kept = kept
        self.caller = caller
        self.query_id = ""
        """The id of the last query, for messages about its failure."""
        self._lock = threading.Lock()
        self._running: FlightCall | None = None
        self._stopped = False

    def run(self, body: QueryBody, *, read_only: bool = False) -> Result:
        """Run a query to its end.

        Raises:
            Refused: By the Flight server, or because the result is too large.
        """
        flight = self.gateway.flight
        call = flight.query(body, self.caller, self._new_id(), read_only=read_only)
        spool = self.gateway.spools.open()
        try:
            with self._running_as(call):
                messages = capped(call.messages(), self.gateway.max_result_bytes)
                columns = write_arrow(messages, sink_for("identity", spool))
        except BaseException:
            spool.close()
            raise
        return Result(spool, call.receipt, columns, body)

    def rows(self, sql: str, *parameters: Any) -> tuple[list[dict[str, Any]], Receipt]:
        """Run a query with a small result, and return its rows as JSON values and its receipt.

        Raises:
            Refused: As `run`.
        """
        result = self.run(QueryBody(sql, parameters))
        try:
            return json_rows(table_of(result.stream())), result.receipt
        finally:
            result.spool.close()

    def browse(self, name: str, *texts: tuple[int, str], flags: Sequence[int] = ()) -> pa.Table:
        """Return the answer to a Flight SQL command about the catalog.

        Raises:
            Refused: By the Flight server.
        """
        command = browse_command(name, *texts, flags=flags)
        call = self.gateway.flight.browse(command, self.caller, self._new_id())
        with self._running_as(call):
            return record_batches(self._messages(call)).read_all()

    def usage(self) -> dict[str, object]:
        """Return what the caller's key has used."""
        return self.gateway.flight.usage(self.caller, self._new_id())

    def recheck(self, question: QueryBody, policy_version: str) -> None:
        """Refuse unless the caller may still be given the answer to *question*.

        Raises:
            Refused: By the Flight server.
        """
        self.gateway.flight.recheck(question, self.caller, self._new_id(), policy_version)

    def stop(self) -> None:
        """Cancel what runs, for the caller has left."""
        with self._lock:
            self._stopped = True
            if self._running is not None:
                self._running.cancel()

    def _messages(self, call: FlightCall) -> Iterator[FlightData]:
        return capped(call.messages(), self.gateway.max_result_bytes)

    def _new_id(self) -> str:
        self.query_id = f"qry_{secrets.token_hex(12)}"
        return self.query_id

    @contextmanager
    def _running_as(self, call: FlightCall) -> Iterator[None]:
        with self._lock:
            self._running = call
            if self._stopped:
                call.cancel()
        try:
            yield
        except BaseException:
            call.cancel()
            raise
        finally:
            with self._lock:
                self._running = None


def table_of(stream: bytes) -> pa.Table:
    """Return the table in an Arrow IPC stream."""
    return pa.ipc.open_stream(pa.py_buffer(stream)).read_all()


def json_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of *table* as JSON values."""
    names = unique_names(table.schema.names)
    texts = [rows_text(batch, names) for batch in table.to_batches() if batch.num_rows]
    rows: list[dict[str, Any]] = json.loads(f"[{','.join(texts)}]")
    return rows
