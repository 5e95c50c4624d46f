"""Sessions of the embedded engine, and the statements that run in them.

A query outside a transaction gets a connection of its own and a READ ONLY
transaction; only transactions and temporary tables pin one connection to the
session. DuckDB refuses a second statement while a result is open on its
connection, so what is left of such a result is gathered first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from flight_server.engines.batches import COUNT_SCHEMA, rows_per_batch
from flight_server.engines.duckdb_changes import (
    Answered,
    change_many,
    counted,
    gathered,
    latest_row,
    load_rows,
    refuse_aborted,
    run_change,
)
from flight_server.engines.duckdb_describe import own_tables
from flight_server.engines.duckdb_errors import refusal
from flight_server.engines.duckdb_public import with_public_names
from flight_server.engines.duckdb_streams import ERRORS as _ERRORS
from flight_server.engines.duckdb_streams import PinnedStream, Streaming
from flight_server.engines.engine import Load
from flight_server.engines.parameter_shapes import shapes_of
from flight_server.engines.wire_types import wire_schema
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind, Scalar, TableName
from flight_server.semantic.memory import ID_SCHEMA
from flight_server.semantic.names import STORES
from flight_server.steps.transpile import Plan
from flight_server.stores.catalog import Table
from flight_server.syntax.names import DEFAULT_SCHEMA, fold, quote
from flight_server.watcher import Call

if TYPE_CHECKING:
    from flight_server.engines.duckdb_engine import DuckDBEngine
    from flight_server.engines.duckdb_pool import ConnectionPool


class DuckDBSession:
    """One caller's session."""

    def __init__(self, engine: DuckDBEngine) -> None:
        self._engine = engine
        self._lock = threading.RLock()
        self._pinned: duckdb.DuckDBPyConnection | None = None
        self._narrow = False
        self._defined = False
        self._open_stream: PinnedStream | None = None
        self.default_schema = DEFAULT_SCHEMA
        self.own_tables: tuple[Table, ...] = ()
        self.in_transaction = False
        self._uncommitted: set[TableName | None] = set()

    @property
    def temporary(self) -> frozenset[TableName]:
        """Names of the session's own tables, in schema `temp`."""
        return frozenset(TableName("temp", fold(table.name)) for table in self.own_tables)

    def execute(
        self, plan: Plan, parameters: Sequence[Scalar], call: Call, version: int
    ) -> Answered | Streaming | PinnedStream:
        """Run *plan*; `version` is the catalog's, for what is remembered about its types."""
        try:
            if plan.kind is Kind.CONTROL:
                return self._control(plan, call)
            self._engine.referee(plan, parameters, version)
            pinned = self.in_transaction or self.own_tables or plan.advances
            if plan.kind is Kind.READ and not pinned:
                return self._stream(plan, parameters, call, version)
            return self._in_session(plan, parameters, call, version)
        except _ERRORS as error:
            raise refusal(error, call, plan.hides, self._engine.catalog) from None

    def describe(self, plan: Plan, parameters: Sequence[Scalar], version: int) -> pa.Schema:
        """Return the schema of *plan*'s result; parameters without a value count as NULL."""
        if plan.kind is not Kind.READ:
            return ID_SCHEMA if plan.verb == STORES else COUNT_SCHEMA
        if self.own_tables or self.in_transaction:
            return self._described(plan, parameters)
        key = (plan.sql, version, shapes_of(parameters))
        known = self._engine.described.get(key)
        if known is None:
            known = self._described(plan, parameters)
            self._engine.described.put(key, known)
        return known

    def load(self, plan: Plan, load: Load, rows: pa.RecordBatchReader, call: Call) -> Answered:
        """Write *rows* to a table, all of them or none."""
        return self._on_pinned(plan, call, lambda connection: self._load(connection, plan, load, rows, call))

    def change_many(self, plan: Plan, over_rows: str, rows: pa.Table, call: Call, version: int) -> Answered:
        """Run *plan* once for every row of values, all of them or none."""
        self._engine.referee(plan, (None,) * plan.parameters, version)

        def change(connection: duckdb.DuckDBPyConnection) -> Answered:
            return self._whole(
                connection, True, call, lambda: change_many(connection, plan, over_rows, rows, call)
            )

        return self._on_pinned(plan, call, change)

    def _load(
        self,
        connection: duckdb.DuckDBPyConnection,
        plan: Plan,
        load: Load,
        rows: pa.RecordBatchReader,
        call: Call,
    ) -> Answered:
        answered = self._whole(
            connection, True, call, lambda: load_rows(connection, self._engine.catalog, plan, load, rows)
        )
        if load.creates != "no":
            self.own_tables = own_tables(connection)
            self._defined = True
            self._tell_definitions()
        return answered

    def _on_pinned(
        self, plan: Plan, call: Call, work: Callable[[duckdb.DuckDBPyConnection], Answered]
    ) -> Answered:
        """Do *work* on the session's own connection, alone."""
        self._take(call)
        try:
            connection = self._connection(plan)
            let_go = call.on_stop(connection.interrupt)
            try:
                with self._marked(plan):
                    return work(connection)
            finally:
                let_go()
        except _ERRORS as error:
            raise refusal(error, call, plan.hides, self._engine.catalog) from None
        finally:
            self._lock.release()

    def _marked(self, plan: Plan) -> AbstractContextManager[None]:
        """Mark what *plan* changes while it runs, or at the COMMIT of the open transaction."""
        if self.in_transaction:
            self._uncommitted.add(plan.written if plan.kind is Kind.WRITE else None)
            return nullcontext()
        if plan.kind is not Kind.WRITE or plan.written is None:
            return self._engine.changes.writing(None)
        return self._engine.changes.writing([plan.written])

    def _described(self, plan: Plan, parameters: Sequence[Scalar]) -> pa.Schema:
        if self.own_tables or self.in_transaction:
            with self._lock:
                self._free()
                return self._described_on(self._connection(plan), plan, parameters)
        pool = self._pool(plan)
        connection = pool.borrow()
        try:
            return self._described_on(connection, plan, parameters)
        finally:
            pool.give_back(connection)

    def _described_on(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, parameters: Sequence[Scalar]
    ) -> pa.Schema:
        try:
            relation = connection.sql(plan.sql, params=list(parameters) or None)
            kinds, names = relation.types, relation.columns
            text = self._engine.wire_text(plan.sql, -1, relation, parameters)
            empty = connection.sql(f"SELECT * FROM ({text}\n) LIMIT 0", params=list(parameters) or None)
            return wire_schema(empty.to_arrow_table().schema, names, kinds)
        except _ERRORS as error:
            raise refusal(error, None, plan.hides, self._engine.catalog) from None

    def close(self) -> None:
        """Roll back what is open and close the session's connection."""
        with self._lock:
            stream, self._open_stream = self._open_stream, None
            if stream is not None:
                stream.close()
            if self._pinned is not None:
                with suppress(duckdb.Error):
                    self._pinned.interrupt()
                    if self.in_transaction:
                        self._pinned.execute("ROLLBACK")
                self._pinned.close()
                self._pinned = None
            self.in_transaction = False

    def _stream(self, plan: Plan, parameters: Sequence[Scalar], call: Call, version: int) -> Streaming:
        """Run a query on a leased connection, in a read-only transaction."""
        pool = self._engine.plain if plan.hides else self._engine.owners
        began = time.perf_counter()
        lease = pool.lease(fresh=plan.reads_clock)
        call.pinned(began)
        let_go = call.on_stop(lease.connection.interrupt)

        def give_back(whole: bool) -> None:
            let_go()
            pool.release(lease, reusable=whole and call.reason is None)

        try:
            reader, schema = self._open(lease.connection, plan, parameters, version)
        except BaseException:
            give_back(False)
            raise

        def fail(error: Exception) -> QueryRefused:
            return refusal(error, call, plan.hides, self._engine.catalog)

        return Streaming(reader, schema, give_back, fail, self._engine.options.batch_bytes)

    def _open(
        self,
        connection: duckdb.DuckDBPyConnection,
        plan: Plan,
        parameters: Sequence[Scalar],
        version: int,
    ) -> tuple[pa.RecordBatchReader, pa.Schema]:
        """Start *plan* and return its reader."""
        values = list(parameters) or None
        relation = connection.sql(plan.sql, params=values)
        kinds, names = relation.types, relation.columns
        text = self._engine.wire_text(plan.sql, version, relation, parameters)
        if text is not plan.sql:
            relation = connection.sql(text, params=values)
        reader = relation.to_arrow_reader(rows_per_batch(kinds, self._engine.options.batch_bytes))
        if plan.unseals:
            reader = with_public_names(reader, self._engine.catalog)
        return reader, wire_schema(reader.schema, names, kinds)

    def _in_session(
        self, plan: Plan, parameters: Sequence[Scalar], call: Call, version: int
    ) -> Answered | PinnedStream:
        """Run *plan* on the session's own connection."""
        if plan.kind is Kind.READ:
            return self._read_pinned(plan, parameters, call, version)
        return self._on_pinned(
            plan, call, lambda connection: self._change(connection, plan, parameters, call)
        )

    def _read_pinned(
        self, plan: Plan, parameters: Sequence[Scalar], call: Call, version: int
    ) -> PinnedStream:
        """Start a query on the session's own connection."""

        def fail(error: Exception) -> QueryRefused:
            return refusal(error, call, plan.hides, self._engine.catalog)

        self._take(call)
        try:
            connection = self._connection(plan)
            let_go = call.on_stop(connection.interrupt)
            try:
                reader, schema = self._open(connection, plan, parameters, version)
            except BaseException:
                let_go()
                raise
            batch_bytes = self._engine.options.batch_bytes
            stream = PinnedStream(self._lock, reader, schema, let_go, fail, batch_bytes)
            self._open_stream = stream
            return stream
        finally:
            self._lock.release()

    def _change(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, parameters: Sequence[Scalar], call: Call
    ) -> Answered:
        """Run a write or a definition, all of it or nothing."""
        answered = self._whole(
            connection,
            plan.check is not None or bool(plan.before + plan.after) or plan.verb == STORES,
            call,
            lambda: self._run(connection, plan, parameters),
        )
        if plan.kind is Kind.DEFINE:
            self.own_tables = own_tables(connection)
            self._defined = True
            self._tell_definitions()
        return answered

    def _whole(
        self, connection: duckdb.DuckDBPyConnection, several: bool, call: Call, work: Callable[[], Answered]
    ) -> Answered:
        """Do *work*, which takes *several* statements or one, so that all of it happens or nothing."""
        own = several and not self.in_transaction
        if own:
            connection.execute("BEGIN TRANSACTION")
        try:
            answered = work()
            if own:
                call.check()
                connection.execute("COMMIT")
        except BaseException:
            undo = "ROLLBACK" if own else "SELECT error('undone')"  # an error aborts the caller's transaction
            with suppress(duckdb.Error):
                connection.execute(undo)
            raise
        return answered

    def _tell_definitions(self) -> None:
        """Have the catalog read anew once definitions are committed."""
        if self._defined and not self.in_transaction:
            self._defined = False
            self._engine.on_defined()

    def _run(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, parameters: Sequence[Scalar]
    ) -> Answered:
        if plan.verb == STORES and self._engine.semantics is not None:
            return self._engine.semantics.memory.store(connection, plan, parameters)
        relation = run_change(connection, plan, parameters, latest_row(connection, plan.check))
        is_count = relation.columns == ["Count"] and not plan.returns
        if plan.verb == "MULTI":
            return gathered(relation, None)
        if plan.kind is Kind.WRITE and not is_count:
            return gathered(relation, len(relation))
        rows = relation.fetchall() if is_count else []
        return counted(int(rows[0][0])) if rows else Answered(COUNT_SCHEMA, COUNT_SCHEMA.empty_table(), 0)

    def _control(self, plan: Plan, call: Call) -> Answered:
        """Begin, commit or roll back, or change the current schema."""
        self._take(call)
        try:
            if plan.verb == "USE":
                connection = self._connection(plan)
                if not plan.hides:  # whose names alone are looked for there
                    connection.execute(f"USE {self._engine.catalog}.{quote(plan.sql)}")
                self.default_schema = fold(plan.sql)
            elif plan.verb != "SET":  # which asks for what is so already
                self._transaction(plan)
            return Answered(COUNT_SCHEMA, COUNT_SCHEMA.empty_table(), 0)
        finally:
            self._lock.release()

    def _transaction(self, plan: Plan) -> None:
        text = plan.sql
        begins = text.startswith("BEGIN")
        if begins == self.in_transaction:
            words = "a transaction is already open" if begins else "no transaction is open"
            raise QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {words}")
        commits = self._uncommitted if text == "COMMIT" else set()
        everything = None in commits
        connection = self._connection(plan, as_it_is=not begins)
        tables = [name for name in commits if name is not None]
        try:
            with self._engine.changes.writing(None if everything else tables):
                if text == "COMMIT":
                    refuse_aborted(connection)
                connection.execute(text)
        finally:
            self.in_transaction = begins
            self._uncommitted = set()
        if not begins:
            self.own_tables = own_tables(connection)
            self._tell_definitions()

    def _take(self, call: Call) -> None:
        """Wait for the session's connection; another statement of the session may be running on it."""
        while not self._lock.acquire(timeout=0.05):
            call.check()
        self._free()

    def _free(self) -> None:
        """Gather what is left of an open result; the caller has the lock."""
        stream, self._open_stream = self._open_stream, None
        if stream is not None and stream.open:
            stream.gather()

    def _pool(self, plan: Plan) -> ConnectionPool:
        return self._engine.plain if plan.hides else self._engine.owners

    def _connection(self, plan: Plan, as_it_is: bool = False) -> duckdb.DuckDBPyConnection:
        """Return the session's own connection; what *plan* leaves unqualified resolves as in its pool.

        Args:
            as_it_is: Change nothing, for a transaction that may be aborted.
        """
        if self._pinned is None:
            self._pinned = self._pool(plan).borrow()
            self._narrow = plan.hides
        if plan.hides is not self._narrow and not as_it_is:  # the policies have changed since
            place = "memory.main" if plan.hides else f"{self._engine.catalog}.{quote(self.default_schema)}"
            self._pinned.execute(f"USE {place}")
            self._narrow = plan.hides
        return self._pinned
