"""The embedded engine: one locked-down DuckDB instance with the raw tables in a sealed catalog."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from flight_server.engines.duckdb_describe import read_keys, wire_fields
from flight_server.engines.duckdb_lock import CONNECT, lock
from flight_server.engines.duckdb_pool import ConnectionPool
from flight_server.engines.duckdb_referee import refuse_strangers
from flight_server.engines.duckdb_selftest import self_test
from flight_server.engines.duckdb_session import DuckDBSession
from flight_server.engines.duckdb_shadow import Shadow
from flight_server.engines.engine import Key
from flight_server.engines.parameter_shapes import shapes_of
from flight_server.engines.wire_types import needs_cast, wire_sql
from flight_server.model import Kind, Mask, Scalar, TableName
from flight_server.recent import Recent
from flight_server.semantic.embedder import Embedder
from flight_server.semantic.names import HIDDEN_SCHEMA
from flight_server.semantic.semantics import Semantics, provide_semantics
from flight_server.steps.mask import sql_mask_function
from flight_server.steps.transpile import Plan
from flight_server.stores.catalog import Column, Table
from flight_server.stores.changes import Changes
from flight_server.syntax.repeatable import repeatable_functions
from flight_server.syntax.secure import keyed_hash_function

_WIRE_TEXTS = 8192


@dataclass(frozen=True, slots=True)
class DuckDBOptions:
    """How the instance is set up.

    Attributes:
        path: The warehouse file, or `:memory:`.
        memory_limit_mb: Limit of the buffer manager; 0 is 60 % of the machine's memory.
        threads: Worker threads; 0 is one for each core.
        batch_bytes: How large a record batch gets.
    """

    path: str
    memory_limit_mb: int = 0
    threads: int = 0
    temp_directory: str = ""
    max_temp_mb: int = 10240
    data_directories: tuple[str, ...] = ()
    batch_bytes: int = 1_000_000


class DuckDBEngine:
    """Owns the instance and its connections.

    Attributes:
        plain: Connections in which an unqualified name resolves to nothing.
        owners: Connections whose names resolve in the warehouse, for those who see all of it.
    """

    def __init__(self, options: DuckDBOptions) -> None:
        self.options = options
        self.nonce = secrets.token_hex(8)
        self.catalog = f"sealed_{self.nonce}"
        self._root = duckdb.connect(":memory:", config=_config(options))
        self._lock = threading.Lock()
        self._wire: OrderedDict[Hashable, str] = OrderedDict()
        self._fields: dict[str, pa.Field] = {}
        self.described: Recent[pa.Schema] = Recent(_WIRE_TEXTS)
        self._hash_keys: set[bytes] = set()
        self._refereed: Recent[bool] = Recent(_WIRE_TEXTS)
        self.on_defined: Callable[[], None] = _nothing
        try:
            self._attach()
            lock(self._root, options.data_directories)
            self_test(self._root)
        except BaseException:
            self._root.close()
            raise
        self.changes = Changes()
        self.repeatable = repeatable_functions(self._root)
        self.plain = ConnectionPool(self._root.cursor, self.changes)
        self.owners = ConnectionPool(self._connect_owner, self.changes)
        self.semantics: Semantics | None = None
        self.shadow: Shadow | None = None

    @property
    def name(self) -> str:
        """The name in the audit log."""
        return "duckdb"

    @property
    def version(self) -> str:
        """Such as `duckdb v2.0.0`."""
        return f"duckdb v{duckdb.__version__}"

    def load_catalog(self) -> tuple[list[Table], list[str]]:
        """Return the tables, views and schemas of the warehouse."""
        connection = self._root.cursor()
        try:
            triggers = connection.execute(
                "SELECT count(*) FROM duckdb_triggers() WHERE database_name = ?", [self.catalog]
            ).fetchall()
            self.changes.coarse = bool(triggers[0][0])
            return self._tables(connection), self._schemas(connection)
        finally:
            connection.close()

    def wire_fields(self, types: Collection[str]) -> Mapping[str, pa.Field]:
        """Return the field that a column of each of these SQL types becomes on the wire."""
        missing = sorted(set(types) - self._fields.keys())
        if missing:
            connection = self._root.cursor()
            try:
                self._fields |= wire_fields(connection, missing)
            finally:
                connection.close()
        return self._fields

    def keys(self) -> list[Key]:
        """Return the primary and foreign keys of the warehouse."""
        connection = self._root.cursor()
        try:
            return read_keys(connection, self.catalog)
        finally:
            connection.close()

    def open_session(self) -> DuckDBSession:
        """Return a new session."""
        return DuckDBSession(self)

    def wire_text(
        self, sql: str, version: int, relation: duckdb.DuckDBPyRelation, parameters: Sequence[Scalar] = ()
    ) -> str:
        """Return the text whose result Arrow can hold; remembered for *sql* at a catalog *version*."""
        key = (sql, version, shapes_of(parameters))
        known = self._wire.get(key)
        if known is None:
            kinds = relation.types
            known = wire_sql(sql, kinds) if any(map(needs_cast, kinds)) else sql
            with self._lock:
                self._wire[key] = known
                while len(self._wire) > _WIRE_TEXTS:
                    self._wire.popitem(last=False)
        return known

    def provide_keyed_hash(self, mask: Mask) -> None:
        """Provide the function that applies *mask* inside of queries; its key is in no SQL text."""
        if mask.key is None or mask.key in self._hash_keys:
            return
        self._root.create_function(
            keyed_hash_function(mask.key),
            sql_mask_function(mask),
            ["VARCHAR"],
            "VARCHAR",
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )
        self._hash_keys.add(mask.key)

    def provide_semantics(self, embedder: Embedder) -> Semantics:
        """Provide the semantic functions and the agents' memory; `close` ends them, too."""
        self.semantics = provide_semantics(self._root, self.catalog, self.changes, embedder)
        return self.semantics

    def provide_shadow(self) -> Shadow:
        """Provide the catalog in which empty tables stand for those of remote engines."""
        self.shadow = Shadow(self._root, f"{self.catalog}_remote")
        return self.shadow

    def referee(self, plan: Plan, parameters: Sequence[Scalar], version: int) -> None:
        """Have the binder's word on a plan that hides something, the first time it runs at a *version*.

        Raises:
            QueryRefused: POLICY_DENIED.
        """
        if not plan.hides or plan.kind not in (Kind.READ, Kind.WRITE):
            return
        if self._refereed.get((plan.sql, version)):
            return
        connection = self.plain.borrow()
        try:
            refuse_strangers(connection, plan, parameters, self._holder)
        finally:
            self.plain.give_back(connection)
        self._refereed.put((plan.sql, version), True)

    def probe(self, seconds: float) -> bool:
        """Tell whether a trivial query is answered within *seconds*."""
        done = threading.Event()

        def ask() -> None:
            connection = self._root.cursor()
            connection.execute("SELECT 1").fetchall()
            connection.close()
            done.set()

        threading.Thread(target=ask, name="probe", daemon=True).start()
        return done.wait(seconds)

    def runs(self, plan: Plan) -> str:
        """Return the name of the engine that runs *plan*."""
        return self.name

    def missed(self, tables: Collection[TableName]) -> None:
        """Hear of tables that are not known; the warehouse's are always known."""

    def close(self) -> None:
        """Write the warehouse back and close the instance."""
        if self.semantics is not None:
            self.semantics.close()
        self.plain.close()
        self.owners.close()
        self._root.close()

    def _holder(self, schema: str) -> str:
        """Return the catalog that holds *schema*."""
        return self.shadow.catalog if self.shadow and schema in self.shadow.schemas else self.catalog

    def _connect_owner(self) -> duckdb.DuckDBPyConnection:
        """Return a connection whose unqualified names resolve in the warehouse."""
        connection = self._root.cursor()
        connection.execute(f"USE {self.catalog}.main")
        return connection

    def _attach(self) -> None:
        path = self.options.path
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        quoted = "'" + path.replace("'", "''") + "'"
        self._root.execute(f"ATTACH {quoted} AS {self.catalog}")

    def _schemas(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        rows = connection.execute(
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = ? AND schema_name <> ? "
            "AND NOT internal",
            [self.catalog, HIDDEN_SCHEMA],
        ).fetchall()
        return [str(name) for (name,) in rows]

    def _tables(self, connection: duckdb.DuckDBPyConnection) -> list[Table]:
        columns: dict[tuple[str, str], list[Column]] = {}
        for schema, table, name, kind, nullable, default in connection.execute(
            "SELECT schema_name, table_name, column_name, data_type, is_nullable, column_default "
            "FROM duckdb_columns() "
            "WHERE database_name = ? AND schema_name <> ? AND NOT internal ORDER BY column_index",
            [self.catalog, HIDDEN_SCHEMA],
        ).fetchall():
            columns.setdefault((schema, table), []).append(Column(name, kind, bool(nullable), default or ""))
        rows = connection.execute(
            "SELECT schema_name, table_name, estimated_size, false, '' FROM duckdb_tables() "
            "WHERE database_name = $1 AND schema_name <> $2 AND NOT internal UNION ALL "
            "SELECT schema_name, view_name, 0, true, sql FROM duckdb_views() "
            "WHERE database_name = $1 AND schema_name <> $2 AND NOT internal",
            [self.catalog, HIDDEN_SCHEMA],
        ).fetchall()
        return [Table(s, t, tuple(columns.get((s, t), ())), int(n), view, sql) for s, t, n, view, sql in rows]


def _nothing() -> None:
    """Stand in until somebody wants to know of committed definitions."""


def _config(options: DuckDBOptions) -> dict[str, str | bool | int | float | list[str]]:
    config: dict[str, str | bool | int | float | list[str]] = dict(CONNECT)
    if options.memory_limit_mb:
        config["memory_limit"] = f"{options.memory_limit_mb}MB"
    else:
        config["memory_limit"] = "60%"
    if options.threads:
        config["threads"] = options.threads
    config["temp_directory"] = options.temp_directory
    config["max_temp_directory_size"] = f"{options.max_temp_mb}MB"
    return config
