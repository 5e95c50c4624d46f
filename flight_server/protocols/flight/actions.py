"""The actions of Flight SQL that make and end things: prepared statements, transactions, sessions."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from flight_server.engines.engine import Engine
from flight_server.errors import QueryRefused
from flight_server.model import Kind
from flight_server.pipeline import Pipeline
from flight_server.protocols.flight.commands import unknown_message
from flight_server.protocols.flight.errors import Unimplemented
from flight_server.protocols.flight.exchange import Asked, Exchange
from flight_server.protocols.flight.messages import invalid
from flight_server.protocols.flight.options import (
    CATALOG,
    option_value,
)
from flight_server.protocols.flight.protobuf import NotAMessage, make, read, unwrap, wrap
from flight_server.protocols.flight.session import COOKIE
from flight_server.protocols.flight.sessions import (
    Prepared,
    Sessions,
)
from flight_server.protocols.flight.statements import COUNT, Statements

Handler = Callable[[Exchange, Any], Iterable[bytes]]

_WRAPPED = {
    "CreatePreparedStatement": "Check a statement and return a handle to run it with",
    "ClosePreparedStatement": "Forget a prepared statement",
    "BeginTransaction": "Begin a transaction",
    "EndTransaction": "Commit or roll back a transaction",
    "CancelQuery": "Cancel a query (deprecated; use CancelFlightInfo)",
}
_PLAIN = {
    "CancelFlightInfo": "Cancel the query of a FlightInfo",
    "RenewFlightEndpoint": "Extend the life of an endpoint",
    "SetSessionOptions": "Set options of the session",
    "GetSessionOptions": "Return the options of the session",
    "CloseSession": "Roll back and forget the session",
}
_RETURNS = re.compile(r"\breturning\b", re.IGNORECASE)
_MISSING = ("BeginSavepoint", "EndSavepoint", "CreatePreparedSubstraitPlan")
_REQUESTS = {
    "CreatePreparedStatement": "ActionCreatePreparedStatementRequest",
    "ClosePreparedStatement": "ActionClosePreparedStatementRequest",
    "BeginTransaction": "ActionBeginTransactionRequest",
    "EndTransaction": "ActionEndTransactionRequest",
    "CancelQuery": "ActionCancelQueryRequest",
}


class Actions:
    """Answers DoAction."""

    def __init__(
        self,
        pipeline: Pipeline,
        engine: Engine,
        sessions: Sessions,
        statements: Statements,
        longest_ms: int,
    ) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._sessions = sessions
        self._statements = statements
        self._longest_ms = longest_ms
        self._handlers: dict[str, Handler] = {
            "CreatePreparedStatement": self._prepare,
            "ClosePreparedStatement": self._close_prepared,
            "BeginTransaction": self._begin,
            "EndTransaction": self._end,
            "CancelQuery": self._cancel_query,
            "CancelFlightInfo": self._cancel_info,
            "RenewFlightEndpoint": self._renew,
            "SetSessionOptions": self._set_options,
            "GetSessionOptions": self._get_options,
            "CloseSession": self._close_session,
        }

    @staticmethod
    def listed() -> list[tuple[str, str]]:
        """Return every action with what it does."""
        return [*_WRAPPED.items(), *_PLAIN.items()]

    def act(self, exchange: Exchange, name: str, body: bytes) -> list[fl.Result]:
        """Do the action *name* and return its results."""
        handler = self._handlers.get(name)
        if handler is None:
            why = "is not supported" if name in _MISSING else "is unknown"
            raise Unimplemented(f"[INVALID_REQUEST] action '{name[:64]}' {why}")
        self._pipeline.identify(exchange.caller)  # some of them come to no other step
        return [fl.Result(pa.py_buffer(answer)) for answer in handler(exchange, _request(name, body))]

    def _prepare(self, exchange: Exchange, request: Any) -> list[bytes]:
        asked = Asked(request.query, self._longest_ms, transaction=request.transaction_id)
        described = self._statements.describe(exchange, asked)
        known = described.kind is Kind.READ or described.schema != COUNT
        gives_rows = known or bool(_RETURNS.search(asked.sql))  # a driver drops the rows of an update
        statement = Prepared(
            secrets.token_bytes(16), asked.sql, asked.transaction, described.kind, described.parameters
        )
        exchange.session.keep(statement)
        fields = self._engine.wire_fields(described.parameter_types)
        kinds = [fields[name].type for name in described.parameter_types]
        parameters = pa.schema([pa.field(f"${number}", kind) for number, kind in enumerate(kinds, 1)])
        result = make(
            "ActionCreatePreparedStatementResult",
            prepared_statement_handle=statement.handle,
            dataset_schema=described.schema.serialize().to_pybytes() if known else b"",
            parameter_schema=parameters.serialize().to_pybytes(),
            is_update=not gives_rows,
        )
        return [wrap(result)]

    def _close_prepared(self, exchange: Exchange, request: Any) -> list[bytes]:
        handle = request.prepared_statement_handle
        try:
            session, _ = self._sessions.of_statement(exchange.session, handle)
        except QueryRefused:
            return []
        session.prepared.pop(handle, None)
        return []

    def _begin(self, exchange: Exchange, request: Any) -> list[bytes]:
        token, session = self._sessions.begin(exchange.session)
        try:
            self._statements.control(exchange, session, "BEGIN")
        except BaseException:
            self._sessions.end(token)
            raise
        self._give_cookie(exchange)
        return [wrap(make("ActionBeginTransactionResult", transaction_id=token))]

    def _end(self, exchange: Exchange, request: Any) -> list[bytes]:
        text = {1: "COMMIT", 2: "ROLLBACK"}.get(request.action)
        if text is None:
            raise invalid("a transaction ends with COMMIT or ROLLBACK")
        session = self._statements.session_of(exchange, request.transaction_id)
        try:
            if session.engine.in_transaction:  # its client may have ended it in SQL
                self._statements.control(exchange, session, text)
        finally:
            self._sessions.end(request.transaction_id)
        return []

    def _cancel_info(self, exchange: Exchange, request: Any) -> list[bytes]:
        cancelled = self._cancel(exchange, request.info)
        result = make("CancelFlightInfoResult", status=1 if cancelled else 3)
        return [bytes(result.SerializeToString())]

    def _cancel_query(self, exchange: Exchange, request: Any) -> list[bytes]:
        try:
            info = read("FlightInfo", request.info)
        except NotAMessage as fault:
            raise unknown_message(str(fault)) from None
        cancelled = self._cancel(exchange, info)
        return [wrap(make("ActionCancelQueryResult", result=1 if cancelled else 3))]

    def _cancel(self, exchange: Exchange, info: Any) -> bool:
        """Stop what the endpoints of a FlightInfo stand for; what has not begun will not begin."""
        handles = [_handle(endpoint.ticket.ticket) for endpoint in info.endpoint]
        done = [self._statements.cancel(exchange.owner, handle) for handle in handles if handle]
        return any(done)

    def _renew(self, exchange: Exchange, request: Any) -> list[bytes]:
        """Return the endpoint as it is, once it is known that it can still be fetched."""
        handle = _handle(request.endpoint.ticket.ticket)
        if not handle:
            raise invalid("the endpoint is not one of ours")
        self._statements.renew(exchange.owner, handle)
        return [bytes(request.endpoint.SerializeToString())]

    def _set_options(self, exchange: Exchange, request: Any) -> list[bytes]:
        result = make("SetSessionOptionsResult")
        for name, value in request.session_options.items():
            fault = self._statements.set_option(exchange, name, option_value(value))
            if fault:
                result.errors[name].value = fault
        self._give_cookie(exchange)
        return [bytes(result.SerializeToString())]

    def _get_options(self, exchange: Exchange, request: Any) -> list[bytes]:
        session = exchange.session
        result = make("GetSessionOptionsResult")
        result.session_options["catalog"].string_value = CATALOG
        result.session_options["schema"].string_value = session.engine.default_schema
        for name, number in session.options.items():
            result.session_options[name].int64_value = number
        return [bytes(result.SerializeToString())]

    def _close_session(self, exchange: Exchange, request: Any) -> list[bytes]:
        self._sessions.drop(exchange.session)
        return [bytes(make("CloseSessionResult", status=1).SerializeToString())]

    def _give_cookie(self, exchange: Exchange) -> None:
        """Give the client a cookie to be found again by, if it has none."""
        session = exchange.session
        if session.anchor.names and not session.cookie:
            self._sessions.name(session, secrets.token_hex(16))
            exchange.add_header("set-cookie", f"{COOKIE}={session.cookie}; HttpOnly")


def _handle(ticket: bytes) -> bytes:
    """Return the statement handle inside a ticket of ours, or nothing."""
    try:
        message = unwrap(ticket)
    except NotAMessage:
        return b""
    return bytes(getattr(message, "statement_handle", b""))


def _request(name: str, body: bytes) -> Any:
    """Return the request of an action; those of Flight SQL are wrapped, those of Flight are not."""
    try:
        if name not in _WRAPPED:
            return read(f"{name}Request", body)
        request = unwrap(body)
    except NotAMessage as fault:
        raise unknown_message(str(fault)) from None
    if request.DESCRIPTOR.name != _REQUESTS[name]:
        raise invalid(f"action {name} takes {_REQUESTS[name]}")
    return request
