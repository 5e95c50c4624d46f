"""A remote engine behind any ADBC driver: its connections, its tables, its queries."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import structlog

from flight_server.dialects.outward.tables import RemoteColumn, RemoteTable
from flight_server.dialects.outward.targets import TARGETS
from flight_server.dialects.outward.translate_out import translate_out
from flight_server.engines.adbc_discovery import Types, discover
from flight_server.engines.adbc_errors import is_gone, remote_refusal, unavailable
from flight_server.engines.adbc_pool import EnginePool
from flight_server.engines.adbc_streams import ChangedTableError, RemoteStream
from flight_server.errors import QueryRefused
from flight_server.model import Scalar, TableName
from flight_server.recent import Recent
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.names import DEFAULT_SCHEMA
from flight_server.watcher import Call
from hatidata_settings.engines import EngineSettings

_TEXTS = 4096
_DISCOVERY_S = 60.0
_SETUP: Mapping[str, tuple[str, ...]] = {
    "postgres": (
        "SET standard_conforming_strings = on",
        "SET TimeZone = 'UTC'",
        "SET default_transaction_read_only = on",
        "SET client_connection_check_interval = '1s'",
    ),
}


class AdbcEngine:
    """One remote engine.

    Args:
        types: Says which DuckDB type an Arrow type is.
        kept: The file that remembers its tables while it cannot be asked.
        secret: A word that must not leave, and what stands for it outside.
    """

    def __init__(
        self, settings: EngineSettings, types: Types, kept: Path, secret: tuple[str, str], batch_bytes: int
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.target = TARGETS[settings.dialect]
        self.tables: Mapping[TableName, RemoteTable] = {}
        self.on_changed: Callable[[], None] = _nothing
        self._types = types
        self._kept = kept
        self._secret = secret
        self._batch_bytes = batch_bytes
        self._pool = EnginePool(settings, _SETUP.get(settings.dialect, ()))
        self._texts: Recent[str] = Recent(_TEXTS)
        self._version = 0
        self._wanted = threading.Event()
        self._closed = False
        self._log = structlog.get_logger("engine").bind(engine=settings.name)
        if not self.refresh():
            self.tables = self._remembered()
        self._thread = threading.Thread(target=self._keep_fresh, name=f"tables of {self.name}", daemon=True)
        self._thread.start()

    @property
    def schemas(self) -> list[str]:
        """The public names of its schemas."""
        return sorted({name.schema for name in self.tables} | {f"{self.name}.{DEFAULT_SCHEMA}"})

    def described(self) -> list[Table]:
        """Return its tables as the public catalog shows them."""
        return [_shown(table) for table in self.tables.values()]

    def refresh(self) -> bool:
        """Ask the engine for its tables; tell whether it answered."""
        try:
            link = self._pool.lease()
        except QueryRefused as refusal:
            self._log.warning("engine_unreachable", reason=refusal.detail)
            return False
        try:
            found = link.within(
                lambda opened: discover(opened, self.settings, self.target, self._types), _DISCOVERY_S
            )
        except Exception as error:  # noqa: BLE001  # a background loop: whatever the driver raises
            self._pool.discard(link, doubt=is_gone(error))
            self._log.warning("engine_unreadable", reason=unavailable(self.name, str(error)).detail)
            return False
        self._pool.give_back(link)
        try:
            self._take({table.name: table for table in found})
        except (OSError, duckdb.Error) as error:  # the next look tries again
            self._log.error("engine_tables_not_shown", reason=str(error))
        return True

    def refresh_soon(self) -> None:
        """Have the tables asked for in the background; a query met something unexpected."""
        self._wanted.set()

    def query(
        self,
        sql: str,
        shadow: str,
        parameters: Sequence[Scalar],
        expected: pa.Schema | None,
        call: Call,
        hides: bool,
    ) -> RemoteStream:
        """Run *sql*, which DuckDB's parser printed over the shadow catalog, on the engine.

        Raises:
            QueryRefused: It has no faithful form there, or the engine refuses or does not answer.
        """
        text = self._text(sql, shadow, parameters)
        link = self._pool.lease(call)

        def give_back(whole: bool, error: BaseException | None) -> None:
            if whole:
                self._pool.give_back(link)
            else:
                self._pool.discard(link, doubt=error is not None and is_gone(error))

        def fail(error: BaseException) -> QueryRefused:
            if isinstance(error, ChangedTableError):
                self.refresh_soon()
            return remote_refusal(error, call, hides, self.name, self._secret[0])

        return RemoteStream(link, text, expected, call, give_back, fail, self._batch_bytes).started()

    def close(self) -> None:
        """Close the connections that are idle; running queries have been stopped before."""
        self._closed = True
        self._wanted.set()
        self._pool.close()

    def _text(self, sql: str, shadow: str, parameters: Sequence[Scalar]) -> str:
        tables = self.tables
        key = (sql, tuple((type(value), value) for value in parameters), self._version)
        text = self._texts.get(key)
        if text is None:
            text = translate_out(sql, self.target, shadow, tables, parameters, self._secret).sql
            self._texts.put(key, text)
        return text

    def _take(self, found: Mapping[TableName, RemoteTable]) -> None:
        if found == self.tables:
            return
        self.tables = found
        self._version += 1
        rows = [_written(table) for table in found.values()]
        draft = self._kept.with_suffix(".part")
        draft.write_text(json.dumps(rows), encoding="utf-8")
        draft.replace(self._kept)
        self._log.info("engine_tables", tables=len(found))
        self.on_changed()

    def _remembered(self) -> Mapping[TableName, RemoteTable]:
        """Return what was known of the tables when the engine answered last."""
        try:
            rows = json.loads(self._kept.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {table.name: table for table in map(_read, rows)}

    def _keep_fresh(self) -> None:
        while not self._closed:
            self._wanted.wait(self.settings.refresh_secs)
            self._wanted.clear()
            if not self._closed:
                self.refresh()


def _shown(table: RemoteTable) -> Table:
    columns = tuple(column.column for column in table.columns)
    return Table(table.name.schema, table.name.table, columns, 0, is_view=False, engine=table.engine)


def _nothing() -> None:
    """Stand in until somebody wants to know of changed tables."""


def _written(table: RemoteTable) -> dict[str, Any]:
    return asdict(table)


def _read(row: dict[str, Any]) -> RemoteTable:
    columns = tuple(RemoteColumn(Column(**entry.pop("column")), **entry) for entry in row["columns"])
    return RemoteTable(TableName(**row["name"]), row["engine"], tuple(row["path"]), columns, row["whole"])
