"""Keeps a description of the tables beside a running service, for tools that cannot open its warehouse.

DuckDB lets one process open a database file for writing and no other open it at
all, so `hati policy check` reads this file while the service runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import duckdb

from flight_server.model import TableName
from flight_server.stores.catalog import Column, Loader, Table
from flight_server.syntax.names import fold

_COLUMNS = (
    "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
    "WHERE database_name = current_database() AND NOT internal ORDER BY column_index"
)
_VIEWS = "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"


class NoCatalog(Exception):
    """The tables cannot be known: the warehouse is in use and nobody has described it."""


def described(load: Loader, path: Path) -> Loader:
    """Return *load*, which now also keeps the file *path* true to what it returns."""
    written = ""

    def load_and_describe() -> tuple[list[Table], list[str]]:
        nonlocal written
        tables, schemas = load()
        text = _described(tables)
        if text != written:
            _replace(path, text)
            written = text
        return tables, schemas

    return load_and_describe


def _described(tables: Iterable[Table]) -> str:
    return json.dumps(
        [
            [
                table.schema,
                table.name,
                table.is_view,
                [[column.name, column.type] for column in table.columns],
                table.engine,
            ]
            for table in tables
        ]
    )


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def read_catalog(path: Path) -> dict[TableName, Table]:
    """Return the tables that the file *path* describes.

    Raises:
        NoCatalog: There is no such file.
    """
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise NoCatalog(f"{path.name} does not exist yet") from None
    return _by_name(
        Table(schema, name, tuple(Column(*column) for column in columns), 0, is_view, engine="".join(engine))
        for schema, name, is_view, columns, *engine in found
    )


def tables_of(warehouse: str, description: Path) -> dict[TableName, Table]:
    """Return the tables of *warehouse*, from *description* when another process has it open.

    Tables of remote engines come from *description* always: as they were when a service ran last.

    Raises:
        NoCatalog: It is open elsewhere, or kept in memory, and not described.
    """
    if warehouse == ":memory:" or not Path(warehouse).exists():
        return read_catalog(description) if description.exists() else {}
    try:
        connection = duckdb.connect(warehouse, read_only=True)
    except duckdb.IOException:
        return read_catalog(description)
    remote = read_catalog(description) if description.exists() else {}
    with connection:
        return _read(connection) | {name: table for name, table in remote.items() if table.engine}


def _read(connection: duckdb.DuckDBPyConnection) -> dict[TableName, Table]:
    views = set(connection.execute(_VIEWS).fetchall())
    columns: dict[tuple[str, str], list[Column]] = {}
    for schema, table, name, kind in connection.execute(_COLUMNS).fetchall():
        columns.setdefault((schema, table), []).append(Column(name, kind))
    return _by_name(Table(*key, tuple(found), 0, key in views) for key, found in columns.items())


def _by_name(tables: Iterable[Table]) -> dict[TableName, Table]:
    return {TableName(fold(table.schema), fold(table.name)): table for table in tables}
