"""One RPC as its handlers see it: who calls, in which session, and whether the caller has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from flight_server.model import Caller, Dialect, Query, Scalar
from flight_server.protocols.flight.errors import Trail
from flight_server.protocols.flight.result_file import ResultFile
from flight_server.protocols.flight.sessions import FlightSession
from hatidata_telemetry.context import NO_TRACE, TraceHeaders


@dataclass(frozen=True, slots=True)
class Exchange:
    """One RPC.

    Attributes:
        owner: Digest of who calls; what one owner leaves on the server no other can take.
        is_gone: Tells whether the caller has left; only to be asked while the RPC lasts.
        at_end: Has something done when the RPC is over.
        add_header: Sends a header with the answer.
        add_trailer: Sends a trailer after the answer.
        told_id: The query id that the gateway chose, or empty.
        endpoints: How many endpoints the caller wants a result in.
        trace: The trace that the RPC is a part of, if any.
        file: Where our gateway takes a large answer instead of messages.
    """

    caller: Caller
    owner: str
    session: FlightSession
    is_gone: Callable[[], bool]
    at_end: Callable[[Callable[[], None]], None]
    add_header: Callable[[str, str], None]
    add_trailer: Trail
    arrived: float
    told_id: str
    endpoints: int
    trace: TraceHeaders = NO_TRACE
    file: ResultFile | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement as any of the commands holds it.

    Attributes:
        transaction: Id of the transaction it belongs to, or empty.
        rows: Parameter values, one row for each run; None without parameters.
    """

    sql: str
    timeout_ms: int | None = None
    dialect: Dialect = "auto"
    transaction: bytes = b""
    parameters: tuple[Scalar, ...] = ()
    rows: pa.Table | None = field(default=None, repr=False)


def query_of(exchange: Exchange, asked: Asked, values: tuple[Scalar, ...], query_id: str) -> Query:
    """Return one run of *asked* as the pipeline takes it."""
    return Query(
        query_id=query_id,
        sql=asked.sql,
        parameters=values,
        timeout_ms=asked.timeout_ms,
        dialect=asked.dialect,
        caller=exchange.caller,
        arrived=exchange.arrived,
        trace=exchange.trace,
    )
