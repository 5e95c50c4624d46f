"""What DuckDB says of types and keys, for clients that ask about tables."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from flight_server.engines.engine import Key
from flight_server.engines.wire_types import needs_cast, wire_schema, wire_sql
from flight_server.model import TableName
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.names import fold


def wire_fields(connection: duckdb.DuckDBPyConnection, types: Sequence[str]) -> dict[str, pa.Field]:
    """Return the field that a column of each of these SQL types becomes on the wire."""
    outputs = ", ".join(f"CAST(NULL AS {kind}) AS c{index}" for index, kind in enumerate(types))
    sql = f"SELECT {outputs}"
    relation = connection.sql(sql)
    kinds, names = relation.types, relation.columns
    if any(map(needs_cast, kinds)):
        relation = connection.sql(wire_sql(sql, kinds))
    schema = wire_schema(relation.to_arrow_table().schema, names, kinds)
    return dict(zip(types, schema, strict=True))


def read_keys(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[Key]:
    """Return the primary and foreign keys of the tables in *catalog*."""
    rows = connection.execute(
        "SELECT schema_name, table_name, constraint_name, constraint_column_names, referenced_table, "
        "referenced_column_names FROM duckdb_constraints() WHERE database_name = ? "
        "AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') ORDER BY ALL",
        [catalog],
    ).fetchall()
    return [
        Key(
            TableName(fold(schema), fold(table)),
            name,
            tuple(columns),
            TableName(fold(schema), fold(target)) if target else None,
            tuple(target_columns),
        )
        for schema, table, name, columns, target, target_columns in rows
    ]


def own_tables(connection: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """Return the temporary tables and views of *connection*, in schema `temp`."""
    names = connection.execute(
        "SELECT table_name, false FROM duckdb_tables() WHERE temporary UNION ALL "
        "SELECT view_name, true FROM duckdb_views() WHERE temporary AND NOT internal ORDER BY 1"
    ).fetchall()
    columns: dict[str, list[Column]] = {}
    for table, name, kind, nullable, default in connection.execute(_OWN_COLUMNS).fetchall() if names else ():
        columns.setdefault(table, []).append(Column(name, kind, bool(nullable), default or ""))
    return tuple(Table("temp", name, tuple(columns.get(name, ())), 0, view) for name, view in names)


_OWN_COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM duckdb_columns() "
    "WHERE database_name = 'temp' AND NOT internal ORDER BY column_index"
)
