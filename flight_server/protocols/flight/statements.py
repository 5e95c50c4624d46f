"""Queries and statements over Flight: described first and fetched later, changes exactly once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from flight_server.answer import Answer
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind, Receipt, Scalar
from flight_server.pipeline import Described, Pipeline
from flight_server.protocols.flight.errors import guarded
from flight_server.protocols.flight.exchange import Asked, Exchange, query_of
from flight_server.protocols.flight.messages import invalid, receipt_bytes
from flight_server.protocols.flight.options import (
    CATALOG,
    INVALID_NAME,
    INVALID_VALUE,
    OPTIONS,
    OptionValue,
    as_number,
    option_set_by,
)
from flight_server.protocols.flight.parameters import merged, rows_of
from flight_server.protocols.flight.parts import SharedResults
from flight_server.protocols.flight.results import Result, Results
from flight_server.protocols.flight.running import Running
from flight_server.protocols.flight.session import new_query_id
from flight_server.protocols.flight.sessions import DEFAULT_SCHEMA, FlightSession, Sessions
from flight_server.protocols.flight.streams import answer_stream, batch_stream
from flight_server.protocols.flight.tickets import (
    PartTicket,
    QueryTicket,
    ResultTicket,
    Ticket,
    TicketSealer,
    refuse_many_values,
    used,
)

READS_START_S = 0.1
COUNT = pa.schema([pa.field("Count", pa.int64())])
MOST_DESCRIBED_ROWS = 1000
_CALL = "call "
_BEGIN = re.compile(r"\s*(BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)


class Statements:
    """Runs what the commands ask for.

    Args:
        secret: Seals the tickets.
    """

    def __init__(self, pipeline: Pipeline, sessions: Sessions, secret: bytes) -> None:
        self._pipeline = pipeline
        self._sessions = sessions
        self.sealer = TicketSealer(secret)
        self.results = Results()
        self.running = Running()
        self._shared = SharedResults()

    def describe(self, exchange: Exchange, asked: Asked) -> Described:
        """Return what *asked* would answer with."""
        if _option_set(exchange, asked):
            self._pipeline.identify(exchange.caller)
            return Described(COUNT, Kind.CONTROL, 0, ())
        session = self._session(exchange, asked.transaction)
        rows = list(rows_of(asked.rows))[:MOST_DESCRIBED_ROWS] or [()]
        described = self._describe(exchange, asked, session, rows[0])
        if len(rows) == 1 or described.kind is not Kind.READ:
            return described
        schemas = [described.schema]
        schemas += [self._describe(exchange, asked, session, values).schema for values in rows[1:]]
        return replace(described, schema=merged(schemas))

    def info(self, exchange: Exchange, asked: Asked, descriptor: fl.FlightDescriptor) -> fl.FlightInfo:
        """Describe a query and make its ticket, or run a statement and have its result wait."""
        described = self.describe(exchange, asked)
        if described.kind is not Kind.READ:
            table, receipt = self.change(exchange, asked)
            metadata = receipt_bytes(receipt)
            token = self.results.keep(exchange.owner, Result(table, metadata))
            endpoint = fl.FlightEndpoint(self.sealer.seal(ResultTicket(token)), [])
            affected = -1 if receipt.rows_affected is None else receipt.rows_affected
            return fl.FlightInfo(table.schema, descriptor, [endpoint], affected, -1, False, metadata)
        session = self._session(exchange, asked.transaction)
        query_id = exchange.told_id or new_query_id()
        endpoints = [
            fl.FlightEndpoint(self.sealer.seal(ticket), [])
            for ticket in self._tickets(exchange, asked, query_id)
        ]
        if session.engine.in_transaction:
            session.expect_read()
        return fl.FlightInfo(described.schema, descriptor, endpoints, -1, -1, False, promised(query_id))

    def _tickets(self, exchange: Exchange, asked: Asked, query_id: str) -> list[Ticket]:
        """Return the tickets of a query: one, or as many as the caller asked for."""
        many = asked.rows is not None and asked.rows.num_rows != 1
        if exchange.endpoints == 1 or many:
            transaction = asked.transaction
            return [
                QueryTicket(
                    query_id,
                    asked.sql,
                    asked.timeout_ms,
                    asked.dialect,
                    transaction,
                    asked.rows,
                    asked.parameters,
                )
            ]
        refuse_many_values(asked.rows)
        token = self._shared.plan(exchange.owner, query_id, asked)
        return [PartTicket(token, part) for part in range(exchange.endpoints)]

    def change(self, exchange: Exchange, asked: Asked) -> tuple[pa.Table, Receipt]:
        """Run a statement, once for every row of parameters, and return what it answers."""
        query_id = exchange.told_id or new_query_id()
        done = COUNT.empty_table(), Receipt(query_id, 0, 0, 0.0, 0.0, False, False, (), (), "", 0)
        if option := _option_set(exchange, asked):
            self._set(exchange, *option)
            return done
        session = self._session(exchange, asked.transaction)
        session.let_reads_start(READS_START_S)
        if session.transaction and _BEGIN.match(asked.sql):
            return done
        if asked.rows is not None:
            query = query_of(exchange, asked, (None,) * asked.rows.num_columns, query_id)
            receipt = self._pipeline.change_many(
                query, asked.rows, session.engine, exchange.is_gone, session.session_id
            )
            return pa.table([[receipt.rows_affected]], schema=COUNT), receipt
        answer = self._pipeline.run(
            query_of(exchange, asked, asked.parameters, query_id),
            session.engine,
            exchange.is_gone,
            session.session_id,
        )
        table = pa.Table.from_batches(answer.batches(), answer.schema)
        if answer.receipt is None:
            raise QueryRefused(ErrorCode.INTERNAL_ERROR, detail="an answer without a receipt")
        return table, answer.receipt

    def run(self, exchange: Exchange, asked: Asked) -> fl.FlightDataStream:
        """Run *asked* right away and stream what it answers."""
        query_id = exchange.told_id or new_query_id()
        if _option_set(exchange, asked):
            table, receipt = self.change(exchange, asked)
            return batch_stream(table.schema, [], exchange.add_trailer, receipt_bytes(receipt))
        return self._stream(exchange, asked, query_id)

    def fetch(self, exchange: Exchange, handle: bytes) -> fl.FlightDataStream:
        """Stream what a ticket of ours stands for."""
        ticket = self.sealer.open(handle)
        if isinstance(ticket, ResultTicket):
            self._pipeline.identify(exchange.caller)
            result = self.results.take(exchange.owner, ticket.token)
            if result is None:
                raise used()
            batches = result.table.to_batches()
            return batch_stream(result.table.schema, batches, exchange.add_trailer, result.metadata)
        if isinstance(ticket, PartTicket):
            return self._fetch_part(exchange, ticket)
        return self._fetch_query(exchange, ticket)

    def renew(self, owner: str, handle: bytes) -> None:
        """Keep what a ticket stands for; a ticket of a query does not age.

        Raises:
            QueryRefused: INVALID_REQUEST: it is not ours, or was used, or has expired.
        """
        ticket = self.sealer.open(handle)
        if isinstance(ticket, ResultTicket) and not self.results.renew(owner, ticket.token):
            raise used()
        if isinstance(ticket, PartTicket):
            self._shared.find(owner, ticket.token)

    def cancel(self, owner: str, handle: bytes) -> bool:
        """Stop what a ticket stands for, before or while it is fetched; tell whether there was anything."""
        ticket = self.sealer.open(handle)
        if isinstance(ticket, ResultTicket):
            return self.results.take(owner, ticket.token) is not None
        if isinstance(ticket, PartTicket):
            self.running.cancel(owner, self._shared.find(owner, ticket.token).plan.query_id)
        else:
            self.running.cancel(owner, ticket.query_id)
        return True

    def name_call(
        self, owner: str, name: str, is_gone: Callable[[], bool], at_end: Callable[[Callable[[], None]], None]
    ) -> Callable[[], bool]:
        """Note that a call with a name begins; return how it learns that it must stop.

        Raises:
            QueryRefused: QUERY_CANCELLED: it was cancelled before it began.
        """
        _, gone = self.running.start(owner, _CALL + name, is_gone)
        at_end(lambda: self.running.forget(owner, _CALL + name))
        return gone

    def cancel_call(self, owner: str, name: str) -> bool:
        """Stop the caller's own call *name*, now or when it comes; tell whether it was running."""
        return self.running.cancel(owner, _CALL + name)

    def _fetch_part(self, exchange: Exchange, ticket: PartTicket) -> fl.FlightDataStream:
        self._pipeline.identify(exchange.caller)
        shared = self._shared.find(exchange.owner, ticket.token)
        plan = shared.plan
        shared.join(ticket.part, exchange.is_gone)

        def leave() -> None:
            shared.leave(ticket.part)
            self.running.end(exchange.owner, plan.query_id)

        exchange.at_end(leave)

        def run() -> Answer:
            _, is_gone = self.running.start(exchange.owner, plan.query_id, shared.is_gone)
            session = self._session(exchange, plan.asked.transaction)
            values = next(rows_of(plan.asked.rows)) if plan.asked.rows is not None else plan.asked.parameters
            query = query_of(exchange, plan.asked, values, plan.query_id)
            return self._pipeline.run(query, session.engine, is_gone, session.session_id)

        return fl.GeneratorStream(
            shared.start(run), guarded(shared.messages(ticket.part), exchange.add_trailer)
        )

    def _fetch_query(self, exchange: Exchange, ticket: QueryTicket) -> fl.FlightDataStream:
        first, is_gone = self.running.start(exchange.owner, ticket.query_id, exchange.is_gone)
        exchange.at_end(lambda: self.running.end(exchange.owner, ticket.query_id))
        asked = Asked(
            ticket.sql,
            ticket.timeout_ms,
            ticket.dialect,
            ticket.transaction,
            ticket.parameters,
            ticket.rows,
        )
        query_id = ticket.query_id if first else new_query_id()
        return self._stream(replace(exchange, is_gone=is_gone), asked, query_id)

    def _stream(self, exchange: Exchange, asked: Asked, query_id: str) -> fl.FlightDataStream:
        session = self._session(exchange, asked.transaction)
        if asked.rows is None:
            answer = self._answer(exchange, asked, session, asked.parameters, query_id)
            return answer_stream(answer, exchange.add_trailer, exchange.file)
        rows = list(rows_of(asked.rows))
        if len(rows) == 1:
            answer = self._answer(exchange, asked, session, rows[0], query_id)
            return answer_stream(answer, exchange.add_trailer, exchange.file)
        schema = self.describe(exchange, asked).schema
        batches = self._one_after_another(exchange, asked, session, rows, schema)
        return batch_stream(schema, batches, exchange.add_trailer)

    def _one_after_another(
        self,
        exchange: Exchange,
        asked: Asked,
        session: FlightSession,
        rows: list[tuple[Scalar, ...]],
        schema: pa.Schema,
    ) -> Iterator[Any]:
        """Yield the results of a query for several rows of parameters."""
        for values in rows:
            answer = self._answer(exchange, asked, session, values, new_query_id())
            for batch in answer.batches():
                yield pa.RecordBatch.from_struct_array(batch.to_struct_array()).cast(schema)

    def _answer(
        self,
        exchange: Exchange,
        asked: Asked,
        session: FlightSession,
        values: tuple[Scalar, ...],
        query_id: str,
    ) -> Answer:
        query = query_of(exchange, asked, values, query_id)
        answer = self._pipeline.run(query, session.engine, exchange.is_gone, session.session_id)
        session.read_started()
        exchange.at_end(answer.close)
        return answer

    def _describe(
        self, exchange: Exchange, asked: Asked, session: FlightSession, values: tuple[Scalar, ...]
    ) -> Described:
        query = query_of(exchange, asked, values or asked.parameters, exchange.told_id or new_query_id())
        return self._pipeline.describe(query, session.engine, exchange.is_gone, session.session_id)

    def _session(self, exchange: Exchange, transaction: bytes) -> FlightSession:
        """Return the session that a statement runs in: its transaction's, or the caller's.

        A transaction that its client ended with COMMIT or ROLLBACK as SQL text goes on with a
        new one, as for every client that has switched autocommit off; its BEGIN does nothing.
        """
        session = exchange.session if not transaction else self.session_of(exchange, transaction)
        if session.transaction and not session.engine.in_transaction:
            self.control(exchange, session, "BEGIN")
        return session

    def _set(self, exchange: Exchange, name: str, value: str | None) -> None:
        """Set or reset an option by SQL text.

        Raises:
            QueryRefused: INVALID_REQUEST: the option has no such value.
        """
        self._pipeline.identify(exchange.caller)
        if name == "schema" and value and '"' not in value:
            self.control(exchange, exchange.session, f'USE "{value}"')  # refused in USE's own words
        elif self.set_option(exchange, name, value):
            raise invalid(f"option '{name}' cannot have this value")

    def set_option(self, exchange: Exchange, name: str, value: OptionValue | None) -> int:
        """Set or, without a value, reset an option; return 0 or the number of what is wrong."""
        session = exchange.session
        if name == "schema":
            return self._use(exchange, value)
        if name == "catalog":
            return 0 if value in (None, CATALOG) else INVALID_VALUE
        if name not in OPTIONS:
            return INVALID_NAME
        if value is None:
            session.options.pop(name, None)
            return 0
        allowed = OPTIONS[name]
        number = as_number(value)
        if number is None or number not in allowed:
            return INVALID_VALUE
        session.options[name] = number
        return 0

    def _use(self, exchange: Exchange, value: OptionValue | None) -> int:
        """Change the session's current schema."""
        schema = DEFAULT_SCHEMA if value is None else value
        if not isinstance(schema, str) or not schema or '"' in schema:
            return INVALID_VALUE
        try:
            self.control(exchange, exchange.session, f'USE "{schema}"')
        except QueryRefused as refusal:
            if refusal.code in (ErrorCode.POLICY_DENIED, ErrorCode.QUERY_ERROR):
                return INVALID_VALUE
            raise
        return 0

    def session_of(self, exchange: Exchange, transaction: bytes) -> FlightSession:
        """Return the session in which a transaction runs; it is in use until the RPC is over."""
        session = self._sessions.of_transaction(exchange.owner, transaction)
        exchange.at_end(lambda: self._sessions.give_back(session))
        return session

    def control(self, exchange: Exchange, session: FlightSession, text: str) -> None:
        """Run a statement that begins or ends a transaction or changes the schema."""
        session.let_reads_start(READS_START_S)
        query = query_of(exchange, Asked(text, None, "duckdb"), (), new_query_id())
        answer = self._pipeline.run(query, session.engine, exchange.is_gone, session.session_id)
        for _ in answer.batches():
            pass


def _option_set(exchange: Exchange, asked: Asked) -> tuple[str, str | None] | None:
    """Return what *asked* sets as SQL text; nothing where there is no session to keep it."""
    return option_set_by(asked.sql) if exchange.session.anchor.names else None


def promised(query_id: str) -> bytes:
    """Return what FlightInfo says of a query that has not run yet."""
    return json.dumps({"query_id": query_id, "rows": None}).encode()
