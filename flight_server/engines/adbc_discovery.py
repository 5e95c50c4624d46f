"""What tables a remote engine has, and their columns in DuckDB's types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from sqlglot import exp

from flight_server.dialects.outward.tables import RemoteColumn, RemoteTable
from flight_server.dialects.outward.targets import Target
from flight_server.engines.adbc_link import OpenConnection
from flight_server.model import TableName
from flight_server.stores.catalog import Column
from flight_server.syntax.names import DEFAULT_SCHEMA, fold
from hatidata_settings.engines import EngineSettings

Types = Callable[[pa.Schema], list[tuple[str, str]]]
"""Gives name and DuckDB type of every column of an Arrow schema."""

_COLUMNS = """
SELECT table_schema::text, table_name::text, column_name::text, data_type::text,
  coalesce(numeric_precision, 0)::int AS digits, coalesce(numeric_scale, 0)::int AS decimals,
  (is_nullable = 'YES')::int AS nullable
FROM information_schema.columns WHERE table_schema IN ({schemas})
ORDER BY table_schema, table_name, ordinal_position
"""
_COLLATION = "SELECT datcollate::text FROM pg_database WHERE datname = current_database()"
_BINARY_COLLATIONS = frozenset({"C", "POSIX", "C.UTF-8", "C.utf8"})
_POSTGRES = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "text": "VARCHAR",
    "character varying": "VARCHAR",
    "character": "VARCHAR",
    "uuid": "VARCHAR",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
    "bytea": "BLOB",
}
_READ_AS_TEXT = frozenset({"character", "uuid"})
_GREATEST_PRECISION = 38


def discover(
    opened: OpenConnection, settings: EngineSettings, target: Target, types: Types
) -> tuple[RemoteTable, ...]:
    """Return the tables that *settings* ask for, or all of the default schema.

    Columns of types that cannot be carried are left out, and so are those whose
    names differ in case alone, and names that are no text of a query.
    """
    if target.name == "postgres":
        found = _from_information_schema(opened, settings, target)
    else:
        found = _from_empty_answers(opened, settings, target, types)
    return tuple(table for table in found if table.columns)


def _wanted(settings: EngineSettings, target: Target) -> list[tuple[str, str]]:
    """Return schema and table of the tables that *settings* name."""
    parts = [name.split(".") for name in settings.tables]
    return [(path[-2] if len(path) > 1 else target.default_schema, path[-1]) for path in parts]


def _schemas(settings: EngineSettings, target: Target) -> list[str]:
    named = [name.split(".")[-1] for name in settings.catalogs]
    return named or [target.default_schema]


def _public(settings: EngineSettings, target: Target, schema: str, table: str) -> TableName:
    shown = DEFAULT_SCHEMA if schema == target.default_schema else fold(schema)
    return TableName(f"{settings.name}.{shown}", fold(table))


def _from_empty_answers(
    opened: OpenConnection, settings: EngineSettings, target: Target, types: Types
) -> Iterator[RemoteTable]:
    """Yield the tables that the engine lists, each described by a query for none of its rows."""
    names = _wanted(settings, target)
    if not names or settings.catalogs:
        names += [
            (schema, table)
            for schema in _schemas(settings, target)
            for table in _listed(opened, schema, target)
        ]
    for schema, table in dict.fromkeys(names):
        path = f"{_quoted(schema, target)}.{_quoted(table, target)}"
        described = opened.ask(f"SELECT * FROM {path} LIMIT 0").schema
        columns = tuple(
            RemoteColumn(Column(name, kind), name) for name, kind in _distinct(types(described), described)
        )
        whole = len(columns) == len(described)
        yield RemoteTable(
            _public(settings, target, schema, table), settings.name, (schema, table), columns, whole
        )


def _listed(opened: OpenConnection, schema: str, target: Target) -> list[str]:
    """Return the tables of *schema*: by the driver's metadata, or in words where it has none."""
    found = opened.tables(schema)
    if found is not None:
        return found
    rows = opened.ask(f"SHOW TABLES IN {_quoted(schema, target)}").to_pylist()
    return [row["tableName"] for row in rows if not row.get("isTemporary")]


def _quoted(name: str, target: Target) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect=target.name)


def _distinct(found: Iterable[tuple[str, str]], described: pa.Schema) -> Iterator[tuple[str, str]]:
    names = [fold(name) for name in described.names]
    return ((name, kind) for name, kind in found if names.count(fold(name)) == 1)


def _from_information_schema(
    opened: OpenConnection, settings: EngineSettings, target: Target
) -> Iterator[RemoteTable]:
    """Yield the tables that information_schema tells of."""
    wanted = _wanted(settings, target)
    schemas = {schema for schema, _ in wanted}
    if not wanted or settings.catalogs:
        schemas |= set(_schemas(settings, target))
    quoted = ", ".join("'" + schema.replace("'", "''") + "'" for schema in sorted(schemas))
    collates = opened.ask(_COLLATION).column(0)[0].as_py() not in _BINARY_COLLATIONS
    rows: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in opened.ask(_COLUMNS.format(schemas=quoted)).to_pylist():
        schema, table, *rest = row.values()
        rows.setdefault((schema, table), []).append(tuple(rest))
    listed = set(_schemas(settings, target)) if not wanted or settings.catalogs else set()
    for (schema, table), columns in rows.items():
        if (schema, table) in wanted or schema in listed:
            carried = tuple(_postgres_columns(columns, collates))
            name = _public(settings, target, schema, table)
            yield RemoteTable(name, settings.name, (schema, table), carried, len(carried) == len(columns))


def _postgres_columns(rows: list[tuple[Any, ...]], collates: bool) -> Iterator[RemoteColumn]:
    names = [fold(row[0]) for row in rows]
    for name, kind, precision, scale, nullable in rows:
        carried = _postgres_type(kind, precision, scale)
        if carried is not None and names.count(fold(name)) == 1:
            cast = "TEXT" if kind in _READ_AS_TEXT else ""
            text = carried == "VARCHAR"
            yield RemoteColumn(Column(name, carried, bool(nullable)), name, cast, collates and text)


def _postgres_type(kind: str, precision: int, scale: int) -> str | None:
    if kind == "numeric":
        fits = 0 < precision <= _GREATEST_PRECISION
        return f"DECIMAL({precision},{scale})" if fits else None
    return _POSTGRES.get(kind)
