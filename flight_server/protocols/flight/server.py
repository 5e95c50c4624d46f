"""Listens for Flight calls and turns each into a call of the pipeline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from flight_server.answer import Answer
from flight_server.engines.engine import Engine, Session
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Query
from flight_server.pipeline import Pipeline
from flight_server.protocols.flight.errors import Unimplemented, wire_error
from flight_server.protocols.flight.messages import QueryCommand, invalid, read_command, receipt_bytes
from flight_server.protocols.flight.session import (
    MIDDLEWARE,
    CallerReader,
    CallMiddleware,
    CallMiddlewareFactory,
    call_of,
)

READY = "hatidata.ready"


class FlightServer(fl.FlightServerBase):
    """The Flight endpoint.

    Args:
        ready: Returns an empty string, or why no query can be answered now.
    """

    def __init__(
        self,
        location: str,
        pipeline: Pipeline,
        engine: Engine,
        callers: CallerReader,
        ready: Callable[[], str],
        **tls: Any,
    ) -> None:
        self._pipeline = pipeline
        self._engine = engine
        self._callers = callers
        self._ready = ready
        super().__init__(location, middleware={MIDDLEWARE: CallMiddlewareFactory()}, **tls)

    def do_get(self, context: fl.ServerCallContext, ticket: fl.Ticket) -> fl.FlightDataStream:
        """Run the query of a JSON or SQL ticket and stream its rows."""
        call = call_of(context)
        try:
            command = read_command(ticket.ticket)
            if not isinstance(command, QueryCommand):
                raise invalid("rows are sent with DoPut")
            answer = self._run(command, context, call)
        except QueryRefused as refusal:
            raise wire_error(refusal) from None
        call.at_end(answer.close)
        return fl.GeneratorStream(answer.schema, _messages(answer))

    def get_flight_info(
        self, context: fl.ServerCallContext, descriptor: fl.FlightDescriptor
    ) -> fl.FlightInfo:
        """Check the query of a JSON or SQL command and say where its rows are."""
        raise Unimplemented("[INVALID_REQUEST] not yet")

    def do_action(self, context: fl.ServerCallContext, action: fl.Action) -> Iterator[fl.Result]:
        """Answer the gateway's question whether a query can be answered now."""
        if action.type != READY:
            raise Unimplemented(f"[INVALID_REQUEST] unknown action '{action.type[:64]}'")
        reason = self._ready()
        body = json.dumps({"ready": not reason, "reason": reason}).encode()
        return iter([fl.Result(pa.py_buffer(body))])

    def list_actions(self, context: fl.ServerCallContext) -> list[tuple[str, str]]:
        """Name the actions."""
        return [(READY, "Whether a query can be answered now")]

    def _run(self, command: QueryCommand, context: fl.ServerCallContext, call: CallMiddleware) -> Answer:
        reason = self._ready()
        if reason:
            raise QueryRefused(ErrorCode.SERVICE_UNAVAILABLE, detail=reason, retry_after=1)
        query = Query(
            query_id=self._callers.query_id(call),
            sql=command.sql,
            parameters=command.parameters,
            timeout_ms=command.timeout_ms,
            dialect=command.dialect,
            caller=self._callers.caller(context, call),
            arrived=time.monotonic(),
        )
        return self._pipeline.run(query, self._session(call), context.is_cancelled)

    def _session(self, call: CallMiddleware) -> Session:
        return self._engine.open_session()


def _messages(answer: Answer) -> Iterator[Any]:
    """Yield the rows, and last an empty batch that carries the receipt."""
    try:
        yield from answer.batches()
    except QueryRefused as refusal:
        raise wire_error(refusal) from None
    assert answer.receipt is not None
    empty = pa.RecordBatch.from_pylist([], schema=answer.schema)
    yield empty, receipt_bytes(answer.receipt)
