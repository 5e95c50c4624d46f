"""What DuckDB says of types and keys, for clients that ask about tables."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from flight_server.engines.engine import Key
from flight_server.engines.wire_types import needs_cast, wire_schema, wire_sql
from flight_server.model import TableName
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


def temporary_tables(connection: duckdb.DuckDBPyConnection) -> frozenset[TableName]:
    """Return the temporary tables and views of *connection*."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE temporary UNION ALL "
        "SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal"
    ).fetchall()
    return frozenset(TableName("temp", fold(name)) for (name,) in rows)
