"""Tickets: what a stream will be, sealed so that only we can have made it. No I/O.

A query's ticket holds the query itself, so an abandoned one costs nothing. The
ticket of a statement that has run names its result, which waits for one fetch.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Dialect, Scalar
from flight_server.protocols.flight.messages import invalid
from flight_server.protocols.flight.protobuf import make, wrap

MOST_BOUND_BYTES = 2 << 20
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class QueryTicket:
    """A query that is still to be run.

    Attributes:
        transaction: Id of the transaction it belongs to, or empty.
        rows: Its parameter values, one row for each run; None if they are not in a table.
        parameters: Its parameter values as JSON has them.
    """

    query_id: str
    sql: str
    timeout_ms: int | None
    dialect: Dialect
    transaction: bytes = b""
    rows: pa.Table | None = None
    parameters: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultTicket:
    """The result of a statement that has run, for one fetch."""

    token: str


@dataclass(frozen=True, slots=True)
class PartTicket:
    """One of several endpoints that share one result."""

    token: str
    part: int


Ticket = QueryTicket | ResultTicket | PartTicket


class TicketSealer:
    """Makes and reads tickets.

    Args:
        key: Secret of this process; tickets do not outlive it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, ticket: Ticket) -> bytes:
        """Return *ticket* as a client carries it.

        Raises:
            QueryRefused: INVALID_REQUEST: there are too many parameter values.
        """
        body = _encode(ticket)
        handle = self._mac(body) + body
        return wrap(make("TicketStatementQuery", statement_handle=handle))

    def open(self, handle: bytes) -> Ticket:
        """Return the ticket inside a statement handle.

        Raises:
            QueryRefused: INVALID_REQUEST: it is not ours, or from before a restart.
        """
        mac, body = handle[:_MAC_BYTES], handle[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise invalid("the ticket is unknown or was made before the server restarted")
        return _decode(body)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC_BYTES]


def used(what: str = "ticket") -> QueryRefused:
    """Return the refusal of a ticket whose result was fetched or dropped."""
    return QueryRefused(
        ErrorCode.INVALID_REQUEST,
        f"Invalid request: this {what} was used or has expired; the statement ran once and is not repeated",
    )


def refuse_many_values(rows: pa.Table | None) -> None:
    """Refuse parameters of a query that are too large to be kept until it is fetched, if it ever is.

    Raises:
        QueryRefused: INVALID_REQUEST.
    """
    if rows is not None and rows.nbytes > MOST_BOUND_BYTES:
        raise invalid(f"the parameters of a query may take {MOST_BOUND_BYTES} bytes")


def _encode(ticket: Ticket) -> bytes:
    if isinstance(ticket, ResultTicket):
        return json.dumps({"result": ticket.token}).encode()
    if isinstance(ticket, PartTicket):
        return json.dumps({"shared": ticket.token, "part": ticket.part}).encode()
    head = json.dumps(
        {
            "id": ticket.query_id,
            "sql": ticket.sql,
            "timeout_ms": ticket.timeout_ms,
            "dialect": ticket.dialect,
            "transaction": ticket.transaction.hex(),
            "parameters": ticket.parameters,
        }
    )
    return head.encode() + b"\0" + _encode_rows(ticket.rows)


def _encode_rows(rows: pa.Table | None) -> bytes:
    if rows is None:
        return b""
    refuse_many_values(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return cast(bytes, sink.getvalue().to_pybytes())


def _decode(body: bytes) -> Ticket:
    head, _, rows = body.partition(b"\0")
    told: dict[str, Any] = json.loads(head)
    if "result" in told:
        return ResultTicket(told["result"])
    if "shared" in told:
        return PartTicket(told["shared"], told["part"])
    return QueryTicket(
        told["id"],
        told["sql"],
        told["timeout_ms"],
        told["dialect"],
        bytes.fromhex(told["transaction"]),
        pa.ipc.open_stream(rows).read_all() if rows else None,
        tuple(told["parameters"]),
    )
