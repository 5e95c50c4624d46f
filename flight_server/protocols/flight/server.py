"""Listens for Flight calls and hands each to whoever answers it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from flight_server.engines.engine import Engine
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind
from flight_server.pipeline import Pipeline
from flight_server.protocols.flight.actions import Actions
from flight_server.protocols.flight.browse import Browse
from flight_server.protocols.flight.commands import decode, kind_of
from flight_server.protocols.flight.errors import (
    SQLSTATE,
    SQLSTATE_TRAILER,
    Refused,
    Unimplemented,
    refusals_on_the_wire,
)
from flight_server.protocols.flight.exchange import Asked, Exchange
from flight_server.protocols.flight.messages import QueryCommand, invalid
from flight_server.protocols.flight.options import ENDPOINTS, TIMEOUT
from flight_server.protocols.flight.put import Arrivals, Puts
from flight_server.protocols.flight.session import (
    MIDDLEWARE,
    CallerReader,
    CallMiddlewareFactory,
    Handshake,
    TraceCall,
    call_of,
)
from flight_server.protocols.flight.sessions import Sessions
from flight_server.protocols.flight.statements import Statements
from flight_server.protocols.flight.tickets import used

READY = "hatidata.ready"
USAGE = "hatidata.usage"
CANCEL = "hatidata.cancel"
RECHECK = "hatidata.recheck"
CALL_NAME = "x-hatidata-call"
LONGEST_CALL_NAME = 64


class FlightServer(fl.FlightServerBase):
    """The Flight endpoint.

    With client certificates there is no Handshake: pyarrow can have one or the other.

    Args:
        ready: Returns an empty string, or why no query can be answered now.
        longest_ms: The time of a Flight SQL statement, whose messages name none.
        trace_call: Begins a span for a call, if traces are on.
    """

    def __init__(
        self,
        location: str,
        pipeline: Pipeline,
        engine: Engine,
        callers: CallerReader,
        ready: Callable[[], str],
        sessions: Sessions,
        longest_ms: int = 300_000,
        trace_call: TraceCall | None = None,
        **tls: Any,
    ) -> None:
        self._pipeline = pipeline
        self._callers = callers
        self._ready = ready
        self._longest_ms = longest_ms
        self._sessions = sessions
        self._statements = Statements(pipeline, sessions, secrets.token_bytes(32))
        self._puts = Puts(pipeline, sessions, self._statements, longest_ms)
        self._browse = Browse(pipeline, engine)
        self._actions = Actions(pipeline, engine, sessions, self._statements, longest_ms)
        middleware = {MIDDLEWARE: CallMiddlewareFactory(pipeline.identify, trace_call)}
        auth = None if tls.get("verify_client") else Handshake()
        super().__init__(location, auth, middleware=middleware, **tls)

    @property
    def arrivals(self) -> Arrivals:
        """How much has come in."""
        return self._puts.arrivals

    def do_get(self, context: fl.ServerCallContext, ticket: fl.Ticket) -> fl.FlightDataStream:
        """Stream what a ticket stands for: a query as JSON or SQL text, or a ticket of ours."""
        with self._exchange(context) as exchange:
            command = decode(ticket.ticket)
            kind = kind_of(command)
            if self._browse.answers(kind):
                return self._browse.stream(exchange, command)
            if kind == "TicketStatementQuery":
                return self._statements.fetch(exchange, command.statement_handle)
            asked = self._asked(exchange, command)
            if kind != "QueryCommand" and self._statements.describe(exchange, asked).kind is not Kind.READ:
                raise used("command")
            return self._statements.run(exchange, asked)

    def get_flight_info(
        self, context: fl.ServerCallContext, descriptor: fl.FlightDescriptor
    ) -> fl.FlightInfo:
        """Describe a query and say where its rows are; a statement that changes anything is run."""
        with self._exchange(context) as exchange:
            command = decode(descriptor.command)
            if self._browse.answers(kind_of(command)):
                return self._browse.info(exchange, command, descriptor)
            return self._statements.info(exchange, self._asked(exchange, command), descriptor)

    def get_schema(self, context: fl.ServerCallContext, descriptor: fl.FlightDescriptor) -> fl.SchemaResult:
        """Return the schema of a query, or of what a statement would answer."""
        try:
            with self._exchange(context) as exchange:
                command = decode(descriptor.command)
                if self._browse.answers(kind_of(command)):
                    self._pipeline.identify(exchange.caller)
                    return fl.SchemaResult(self._browse.schema(command))
                asked = self._asked(exchange, command)
                return fl.SchemaResult(self._statements.describe(exchange, asked).schema)
        except fl.FlightError as error:  # pyarrow would add its traceback
            raise Refused(str(error)) from None

    def do_put(
        self,
        context: fl.ServerCallContext,
        descriptor: fl.FlightDescriptor,
        reader: fl.MetadataRecordBatchReader,
        writer: fl.FlightMetadataWriter,
    ) -> None:
        """Take rows or parameters, or run an update."""
        with self._exchange(context) as exchange:
            command = decode(descriptor.command)
            kind = kind_of(command)
            if not self._puts.takes(kind):
                raise Unimplemented(f"[INVALID_REQUEST] {kind} is not for DoPut")
            writer.write(pa.py_buffer(self._puts.put(exchange, kind, command, reader)))

    def do_action(self, context: fl.ServerCallContext, action: fl.Action) -> Iterator[fl.Result]:
        """Do one of the actions that `list_actions` names."""
        if action.type == READY:
            reason = self._ready()
            body = json.dumps({"ready": not reason, "reason": reason}).encode()
            return iter([fl.Result(pa.py_buffer(body))])
        with self._exchange(context) as exchange:
            if action.type == CANCEL:
                self._pipeline.identify(exchange.caller)
                stopped = self._statements.cancel_call(exchange.owner, _call_name(action.body.to_pybytes()))
                return iter([fl.Result(pa.py_buffer(json.dumps({"cancelled": stopped}).encode()))])
            if action.type == RECHECK:
                self._recheck(exchange, action.body.to_pybytes())
                return iter([])
            if action.type == USAGE:
                return iter([fl.Result(pa.py_buffer(self._browse.usage(exchange)))])
            return iter(self._actions.act(exchange, action.type, action.body.to_pybytes()))

    def _recheck(self, exchange: Exchange, body: bytes) -> None:
        """Refuse unless the ticket in *body* may still be asked, under the policies named before it.

        Whoever keeps an answer (the gateway does, for MCP) asks this before giving it out again.
        """
        version, _, ticket = body.partition(b"\n")
        self._statements.describe(exchange, self._asked(exchange, decode(ticket)))
        if version != self._pipeline.policy_version.encode():
            raise QueryRefused(
                ErrorCode.POLICY_DENIED, "The policies have changed since this result was made: ask again"
            )

    def list_actions(self, context: fl.ServerCallContext) -> list[tuple[str, str]]:
        """Name the actions."""
        ours = [
            (READY, "Whether a query can be answered now"),
            (USAGE, "What the key has used this month"),
            (RECHECK, "Refuse unless a query may still be asked under the policies of an earlier answer"),
            (CANCEL, f"Stop the caller's own call that was begun with the header {CALL_NAME}"),
        ]
        return [*self._actions.listed(), *ours]

    def list_flights(self, context: fl.ServerCallContext, criteria: bytes) -> Iterator[fl.FlightInfo]:
        """Refuse: tables are listed by the commands of Flight SQL."""
        raise Unimplemented("[INVALID_REQUEST] ListFlights is not supported; ask with GetTables")

    def do_exchange(self, context: fl.ServerCallContext, descriptor: Any, reader: Any, writer: Any) -> None:
        """Refuse: it is no part of Flight SQL."""
        raise Unimplemented("[INVALID_REQUEST] DoExchange is not supported")

    def _asked(self, exchange: Exchange, command: Any) -> Asked:
        """Return the statement that a command holds."""
        if isinstance(command, QueryCommand):
            return Asked(command.sql, command.timeout_ms, command.dialect, b"", command.parameters)
        kind = kind_of(command)
        timeout_ms = exchange.session.options.get(TIMEOUT, self._longest_ms)
        if kind == "CommandStatementQuery":
            return Asked(command.query, timeout_ms, transaction=command.transaction_id)
        if kind == "CommandPreparedStatementQuery":
            handle = command.prepared_statement_handle
            _, statement = self._sessions.of_statement(exchange.session, handle)
            return Asked(statement.sql, timeout_ms, transaction=statement.transaction, rows=statement.rows)
        if kind == "IngestCommand":
            raise invalid("rows are sent with DoPut")
        raise Unimplemented(f"[INVALID_REQUEST] {kind} is not supported")

    @contextmanager
    def _exchange(self, context: fl.ServerCallContext) -> Iterator[Exchange]:
        """Open what the handlers of one RPC work with; the session is given back when the RPC is over."""
        arrived = time.monotonic()
        call = call_of(context)
        with refusals_on_the_wire():
            try:
                reason = self._ready()
                if reason:
                    raise QueryRefused(ErrorCode.SERVICE_UNAVAILABLE, detail=reason, retry_after=1)
                caller = self._callers.caller(context, call)
                anchor = self._callers.anchor(context, call, caller)
                session = self._sessions.lease(anchor) if anchor else self._sessions.stateless()
                call.at_end(lambda: self._sessions.give_back(session))
                owner, is_gone = session.anchor.owner, context.is_cancelled
                if name := call.header(CALL_NAME):
                    name = _call_name(name.encode("latin-1"))
                    is_gone = self._statements.name_call(owner, name, is_gone, call.at_end)
                yield Exchange(
                    caller,
                    owner,
                    session,
                    is_gone,
                    call.at_end,
                    context.add_header,
                    context.add_trailer,
                    arrived,
                    self._callers.query_id(call),
                    self._callers.endpoints(call) or session.options.get(ENDPOINTS, 1),
                    call.trace,
                    self._callers.file(call),
                )
            except QueryRefused as refusal:
                context.add_trailer(SQLSTATE_TRAILER, SQLSTATE[refusal.code])
                raise


def _call_name(told: bytes) -> str:
    """Return the name that a client gave to a call of its own."""
    name = told.decode("latin-1")
    if not (0 < len(name) <= LONGEST_CALL_NAME and name.isascii() and name.isalnum()):
        raise invalid(f"the name of a call is 1 to {LONGEST_CALL_NAME} letters and digits")
    return name
