"""Which engine runs a plan: the one whose tables it reads.

A plan is DuckDB's text over the sealed catalog and the shadow of the remote
ones. What reads one remote engine's tables and nothing else goes there whole.
What reads several places fetches the remote rows first, cut down to the columns
and by the predicates that it needs, and runs here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import structlog

from flight_server.engines.adbc_engine import AdbcEngine
from flight_server.engines.adbc_streams import RemoteStream
from flight_server.engines.duckdb_engine import DuckDBEngine
from flight_server.engines.duckdb_errors import refusal
from flight_server.engines.duckdb_over import run_over
from flight_server.engines.duckdb_session import DuckDBSession
from flight_server.engines.duckdb_streams import ERRORS
from flight_server.engines.engine import Execution, Key, Load
from flight_server.engines.fetching import Fetch, fetches
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind, Scalar, TableName
from flight_server.recent import Recent
from flight_server.steps.transpile import Plan
from flight_server.stores.catalog import Table
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Parser
from flight_server.watcher import Call

_ROUTES = 4096
_ONLY_QUERIES = (
    "SQL error: tables of a remote engine can be read by queries, and not changed, copied or explained here"
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a plan goes.

    Attributes:
        engine: The remote engine that runs all of it, or empty.
        sql: What is run: the plan's text, with the fetched tables in the place of the remote ones.
        fetched: What is fetched for it.
    """

    kind: Literal["remote", "mixed"]
    engine: str
    sql: str
    fetched: tuple[Fetch, ...] = ()


class RoutedEngine:
    """The embedded engine and the remote ones, as one.

    Args:
        local: Owns the warehouse and the shadow of the remote tables.
    """

    def __init__(self, local: DuckDBEngine, remotes: Sequence[AdbcEngine], parser: Parser) -> None:
        assert local.shadow is not None  # noqa: S101  # the composition root has provided it
        self.local = local
        self._shadow = local.shadow
        self._remotes = {engine.name: engine for engine in remotes}
        self._parser = parser
        self._routes: Recent[Route] = Recent(_ROUTES)
        self._near: Mapping[TableName, Table] = {}
        self._log = structlog.get_logger("engine").bind()
        for engine in remotes:
            engine.on_changed = self._changed
        self._show()

    @property
    def name(self) -> str:
        """The name in the audit log of what runs here."""
        return self.local.name

    @property
    def version(self) -> str:
        """Such as `duckdb v2.0.0`."""
        return self.local.version

    @property
    def shadow(self) -> str:
        """Name of the shadow catalog."""
        return self._shadow.catalog

    def load_catalog(self) -> tuple[list[Table], list[str]]:
        """Return the tables and schemas of all engines; a local name that hides an engine's is left out."""
        tables, schemas = self.local.load_catalog()
        hidden = {schema for schema in schemas if fold(schema).split(".")[0] in self._remotes}
        if hidden:
            self._log.error("schemas_hidden_by_engines", schemas=sorted(hidden))
        kept = [table for table in tables if table.schema not in hidden]
        self._near = {TableName(fold(table.schema), fold(table.name)): table for table in kept}
        remote = [table for engine in self._remotes.values() for table in engine.described()]
        shown = [schema for engine in self._remotes.values() for schema in engine.schemas]
        return kept + remote, [schema for schema in schemas if schema not in hidden] + shown

    def wire_fields(self, types: Collection[str]) -> Mapping[str, pa.Field]:
        """Return the field that a column of each of these SQL types becomes on the wire."""
        return self.local.wire_fields(types)

    def keys(self) -> list[Key]:
        """Return the keys of the warehouse; of remote tables none are known."""
        return self.local.keys()

    def open_session(self) -> RoutedSession:
        """Return a new session."""
        return RoutedSession(self, self.local.open_session())

    def runs(self, plan: Plan) -> str:
        """Return the name of the engine that runs *plan*."""
        if not self.is_remote(plan):
            return self.name
        return self.route(plan).engine or self.name

    def is_remote(self, plan: Plan) -> bool:
        """Tell whether *plan* or its check names a remote table; here is nothing but its shadow."""
        return self.shadow in plan.sql or (plan.check is not None and self.shadow in repr(plan.check))

    def missed(self, tables: Collection[TableName]) -> None:
        """Have the engines of *tables*, which are not known, looked at again."""
        for table in tables:
            engine = self._remotes.get(_engine_of(table))
            if engine is not None:
                engine.refresh_soon()

    def probe(self, seconds: float) -> bool:
        """Tell whether the embedded engine answers; a remote one may be gone without harm to the others."""
        return self.local.probe(seconds)

    def close(self) -> None:
        """Close all engines."""
        for engine in self._remotes.values():
            engine.close()
        self.local.close()

    def remote(self, name: str) -> AdbcEngine:
        """Return a remote engine."""
        return self._remotes[name]

    def route(self, plan: Plan) -> Route:
        """Return where *plan*, which names a remote table, goes.

        Raises:
            QueryRefused: It is no query.
        """
        if plan.kind is not Kind.READ or plan.sql.startswith("EXPLAIN "):
            raise QueryRefused(ErrorCode.QUERY_ERROR, _ONLY_QUERIES)
        known = self._routes.get(plan.sql)
        if known is None:
            known = self._routed(plan)
            self._routes.put(plan.sql, known)
        return known

    def refuse_definition(self, plan: Plan) -> None:
        """Refuse a definition that names a remote table; its text would look for it in the warehouse."""
        if plan.kind is Kind.DEFINE and any(_engine_of(name) in self._remotes for name in plan.tables):
            raise QueryRefused(ErrorCode.QUERY_ERROR, _ONLY_QUERIES)

    def _routed(self, plan: Plan) -> Route:
        found = fetches(plan.sql, self._parser, self.shadow, self._columns)
        engines = {fetch.engine for fetch in found.fetched}
        if len(engines) == 1 and not found.local:
            return Route("remote", engines.pop(), found.narrowed)
        if self.shadow in found.sql:
            raise QueryRefused(ErrorCode.QUERY_ERROR, _ONLY_QUERIES)
        return Route("mixed", "", found.sql, found.fetched)

    def _columns(self, name: TableName) -> tuple[str, Table] | None:
        """Return a table as the catalog shows it, with the engine that holds it, empty for the warehouse."""
        for engine in self._remotes.values():
            if name in engine.tables:
                columns = tuple(column.column for column in engine.tables[name].columns)
                return engine.name, Table(name.schema, name.table, columns, 0, is_view=False)
        return ("", self._near[name]) if name in self._near else None

    def _changed(self) -> None:
        self._show()
        self._routes = Recent(_ROUTES)
        self.local.on_defined()

    def _show(self) -> None:
        tables = [table for engine in self._remotes.values() for table in engine.described()]
        schemas = [schema for engine in self._remotes.values() for schema in engine.schemas]
        self._shadow.show(tables, schemas)


def _engine_of(name: TableName) -> str:
    return name.schema.split(".")[0] if "." in name.schema else ""


class RoutedSession:
    """One caller's session: the embedded engine's, and queries of remote ones beside it.

    Remote rows are in no transaction of the session; each query reads what is committed there.
    """

    def __init__(self, engine: RoutedEngine, local: DuckDBSession) -> None:
        self._engine = engine
        self._local = local

    @property
    def default_schema(self) -> str:
        """Folded name of the schema of unqualified names."""
        return self._local.default_schema

    @property
    def temporary(self) -> frozenset[TableName]:
        """Temporary tables of the session."""
        return self._local.temporary

    @property
    def own_tables(self) -> tuple[Table, ...]:
        """The session's temporary tables."""
        return self._local.own_tables

    @property
    def in_transaction(self) -> bool:
        """Whether a BEGIN is open."""
        return self._local.in_transaction

    def execute(self, plan: Plan, parameters: Sequence[Scalar], call: Call, version: int) -> Execution:
        """Run *plan* where its tables are."""
        shadow = self._engine.shadow
        if not self._engine.is_remote(plan):
            self._engine.refuse_definition(plan)
            return self._local.execute(plan, parameters, call, version)
        route = self._engine.route(plan)
        if route.kind == "mixed":
            return self._mixed(plan, route, parameters, call, version)
        self._referee(plan, parameters, call, version)
        expected = self._local.describe(plan, parameters, version)
        engine = self._engine.remote(route.engine)
        return engine.query(route.sql, shadow, parameters, expected, call, plan.hides)

    def _referee(self, plan: Plan, parameters: Sequence[Scalar], call: Call, version: int) -> None:
        """Have DuckDB's binder agree with *plan* over the shadow."""
        try:
            self._engine.local.referee(plan, parameters, version)
        except ERRORS as error:
            raise refusal(error, call, plan.hides, self._engine.local.catalog) from None

    def _mixed(
        self, plan: Plan, route: Route, parameters: Sequence[Scalar], call: Call, version: int
    ) -> Execution:
        """Fetch what is remote, and run the rest here."""
        if self._local.in_transaction or self._local.temporary:
            words = "a session with a transaction or temporary tables cannot read several engines at once"
            raise QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {words}")
        self._referee(plan, parameters, call, version)
        incoming: list[tuple[Fetch, RemoteStream]] = []
        try:
            for fetch in route.fetched:
                engine = self._engine.remote(fetch.engine)
                stream = engine.query(fetch.sql, self._engine.shadow, parameters, None, call, plan.hides)
                incoming.append((fetch, stream))
            here = replace(plan, sql=route.sql)
            return run_over(self._engine.local, here, parameters, call, version, incoming)
        finally:
            for _, stream in incoming:
                stream.close()

    def describe(self, plan: Plan, parameters: Sequence[Scalar], version: int) -> pa.Schema:
        """Return the schema that *plan* would answer with; the shadow's tables say it."""
        if self._engine.is_remote(plan):
            self._engine.route(plan)
        return self._local.describe(plan, parameters, version)

    def load(self, plan: Plan, load: Load, rows: pa.RecordBatchReader, call: Call) -> Execution:
        """Write *rows* to a table of the warehouse."""
        if self._engine.is_remote(plan):
            self._engine.route(plan)
        return self._local.load(plan, load, rows, call)

    def change_many(self, plan: Plan, over_rows: str, rows: pa.Table, call: Call, version: int) -> Execution:
        """Run the write *plan* once for every row of values."""
        if self._engine.is_remote(plan):
            self._engine.route(plan)
        return self._local.change_many(plan, over_rows, rows, call, version)

    def close(self) -> None:
        """Roll back what is open and give the connection back."""
        self._local.close()
