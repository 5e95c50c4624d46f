"""Answers to what clients ask about catalogs, schemas, tables and keys, in the exact schemas they expect.

Go clients compare names, types and nullability of these schemas and reject
anything else. Pure: a principal's sight of the catalog in, a table out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from flight_server.engines.engine import Key
from flight_server.model import TableName
from flight_server.steps.look import Sight
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.names import fold

CATALOG = "hatidata"
TABLE_TYPES = ("TABLE", "VIEW")
NO_ACTION = 3
_PREFIX = "ARROW:FLIGHT:SQL:"
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def _schema(*fields: tuple[str, pa.DataType, bool]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable) for name, kind, nullable in fields])


_TEXT = pa.utf8()
_TABLES = _schema(
    ("catalog_name", _TEXT, True),
    ("db_schema_name", _TEXT, True),
    ("table_name", _TEXT, False),
    ("table_type", _TEXT, False),
)
_REFERENCES = _schema(
    ("pk_catalog_name", _TEXT, True),
    ("pk_db_schema_name", _TEXT, True),
    ("pk_table_name", _TEXT, False),
    ("pk_column_name", _TEXT, False),
    ("fk_catalog_name", _TEXT, True),
    ("fk_db_schema_name", _TEXT, True),
    ("fk_table_name", _TEXT, False),
    ("fk_column_name", _TEXT, False),
    ("key_sequence", pa.int32(), False),
    ("fk_key_name", _TEXT, True),
    ("pk_key_name", _TEXT, True),
    ("update_rule", pa.uint8(), False),
    ("delete_rule", pa.uint8(), False),
)
SCHEMAS: dict[str, pa.Schema] = {
    "CommandGetCatalogs": _schema(("catalog_name", _TEXT, False)),
    "CommandGetDbSchemas": _schema(("catalog_name", _TEXT, True), ("db_schema_name", _TEXT, False)),
    "CommandGetTables": _TABLES,
    "CommandGetTableTypes": _schema(("table_type", _TEXT, False)),
    "CommandGetPrimaryKeys": _schema(
        ("catalog_name", _TEXT, True),
        ("db_schema_name", _TEXT, True),
        ("table_name", _TEXT, False),
        ("column_name", _TEXT, False),
        ("key_sequence", pa.int32(), False),
        ("key_name", _TEXT, True),
    ),
    "CommandGetExportedKeys": _REFERENCES,
    "CommandGetImportedKeys": _REFERENCES,
    "CommandGetCrossReference": _REFERENCES,
}
"""The schema of each answer; that of GetTables grows by `table_schema` on request."""

Fields = Callable[[Collection[str]], Mapping[str, pa.Field]]


def tables_schema(include_schema: bool) -> pa.Schema:
    """Return the schema of the answer to GetTables."""
    return _TABLES.append(pa.field("table_schema", pa.binary(), False)) if include_schema else _TABLES


def like(pattern: str) -> Callable[[str], bool]:
    """Return the test whether a name is LIKE *pattern*, in any case; a backslash escapes a wildcard."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    text = "".join(wild.get(part) or re.escape(fold(part[-1])) for part in parts)
    matches = re.compile(text, re.DOTALL).fullmatch
    return lambda name: matches(fold(name)) is not None


def catalogs(sight: Sight, _command: Any) -> pa.Table:
    """Return the answer to GetCatalogs: ours, and one for each remote engine of which a table is in sight."""
    engines = sorted({table.engine for table in sight.tables.values() if table.engine})
    return _table("CommandGetCatalogs", [(name,) for name in (CATALOG, *engines)])


def table_types(_sight: Sight, _command: Any) -> pa.Table:
    """Return the answer to GetTableTypes."""
    return _table("CommandGetTableTypes", [(kind,) for kind in TABLE_TYPES])


def db_schemas(sight: Sight, command: Any) -> pa.Table:
    """Return the answer to GetDbSchemas."""
    chosen = _chooser(command, "db_schema_filter_pattern")
    inside = _catalog_test(command, "catalog")
    engines = {fold(table.schema): _placed(table) for table in sight.tables.values() if table.engine}
    places = (engines.get(schema, (CATALOG, schema)) for schema in sorted(sight.schemas))
    rows = [(catalog, schema) for catalog, schema in places if inside(catalog) and chosen(schema)]
    return _table("CommandGetDbSchemas", rows)


def tables(sight: Sight, command: Any, fields: Fields) -> pa.Table:
    """Return the answer to GetTables."""
    in_schema = _chooser(command, "db_schema_filter_pattern")
    named = _chooser(command, "table_name_filter_pattern")
    kinds = set(command.table_types) or set(TABLE_TYPES)
    inside = _catalog_test(command, "catalog")
    found = [
        (name, table)
        for name, table in sight.tables.items()
        if inside(_placed(table)[0])
        and in_schema(_placed(table)[1])
        and named(table.name)
        and table_type(table) in kinds
    ]
    columns: list[list[object]] = [[row[i] for row in map(_described, found)] for i in range(4)]
    if command.include_schema:
        known = fields({column.type for _, table in found for column in table.columns})
        columns.append([_table_schema(sight, name, table, known) for name, table in found])
    schema = tables_schema(command.include_schema)
    return pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def table_type(table: Table) -> str:
    """Return what BI tools filter on."""
    return "VIEW" if table.is_view else "TABLE"


def _described(found: tuple[TableName, Table]) -> tuple[str, str, str, str]:
    table = found[1]
    return *_placed(table), table.name, table_type(table)


def _placed(table: Table) -> tuple[str, str]:
    """Return the catalog and the schema of a table; a remote engine is a catalog of its own."""
    if table.engine:
        return table.engine, table.schema.removeprefix(f"{table.engine}.")
    return CATALOG, table.schema


def _table_schema(sight: Sight, name: TableName, table: Table, fields: Mapping[str, pa.Field]) -> bytes:
    """Return the schema of *table* as its reader will get it, serialized: masked columns are text."""
    masked = sight.masked.get(name, {})
    return bytes(
        pa.schema([_column_field(table, column, fields[column.type], masked) for column in table.columns])
        .serialize()
        .to_pybytes()
    )


def _column_field(table: Table, column: Column, known: pa.Field, masked: Mapping[str, str]) -> pa.Field:
    mask = masked.get(fold(column.name))
    kind = _TEXT if mask else known.type
    told = {
        "CATALOG_NAME": _placed(table)[0],
        "SCHEMA_NAME": _placed(table)[1],
        "TABLE_NAME": table.name,
        "TYPE_NAME": "VARCHAR" if mask else column.type,
        "IS_AUTO_INCREMENT": "0",
        "IS_CASE_SENSITIVE": "1" if pa.types.is_string(kind) else "0",
        "IS_READ_ONLY": "1" if table.is_view else "0",
        "IS_SEARCHABLE": "1",
    }
    if found := _DECIMAL.fullmatch(column.type):
        told |= {"PRECISION": found[1], "SCALE": found[2]}
    metadata = {_PREFIX + key: value for key, value in told.items()}
    if mask:
        metadata["hatidata.masked"] = str(mask)
    return pa.field(column.name, kind, column.nullable, metadata)


def primary_keys(sight: Sight, keys: Sequence[Key], command: Any) -> pa.Table:
    """Return the answer to GetPrimaryKeys."""
    rows = [
        (CATALOG, table.schema, table.name, column, number, key.name)
        for key in keys
        if key.refers_to is None and _is_named(key.table, command, "")
        for table in [sight.tables.get(key.table)]
        if table is not None
        for number, column in enumerate(key.columns, start=1)
    ]
    return _table("CommandGetPrimaryKeys", rows)


def references(sight: Sight, keys: Sequence[Key], command: Any, kind: str) -> pa.Table:
    """Return the answer to GetExportedKeys, GetImportedKeys or GetCrossReference (*kind*)."""
    primary = {(key.table, key.columns): key.name for key in keys if key.refers_to is None}
    rows = [
        row
        for key in keys
        if key.refers_to is not None and _is_wanted(key, key.refers_to, command, kind)
        for row in _reference_rows(sight, key, key.refers_to, primary)
    ]
    return _table(kind, rows)


def _reference_rows(
    sight: Sight, key: Key, target: TableName, primary: Mapping[tuple[TableName, tuple[str, ...]], str]
) -> list[tuple[object, ...]]:
    from_table, to_table = sight.tables.get(key.table), sight.tables.get(target)
    if from_table is None or to_table is None:
        return []
    name = primary.get((target, key.refers_to_columns))
    pairs = zip(key.refers_to_columns, key.columns, strict=True)
    here, there = (CATALOG, from_table.schema, from_table.name), (CATALOG, to_table.schema, to_table.name)
    return [
        (*there, to_column, *here, from_column, number, key.name, name, NO_ACTION, NO_ACTION)
        for number, (to_column, from_column) in enumerate(pairs, start=1)
    ]


def _is_wanted(key: Key, target: TableName, command: Any, kind: str) -> bool:
    if kind == "CommandGetExportedKeys":
        return _is_named(target, command, "")
    if kind == "CommandGetImportedKeys":
        return _is_named(key.table, command, "")
    return _is_named(target, command, "pk_") and _is_named(key.table, command, "fk_")


def _is_named(name: TableName, command: Any, prefix: str) -> bool:
    """Tell whether the catalog, schema and table that *command* names are those of *name*."""
    if not _is_ours(command, f"{prefix}catalog"):
        return False
    schema = f"{prefix}db_schema"
    in_schema = not command.HasField(schema) or fold(getattr(command, schema)) == name.schema
    return in_schema and fold(getattr(command, f"{prefix}table")) == name.table


def _catalog_test(command: Any, field: str) -> Callable[[str], bool]:
    """Return the test whether a catalog is the one that *command* asks about, or any."""
    wanted = fold(getattr(command, field)) if command.HasField(field) else None
    return lambda catalog: wanted is None or catalog == wanted


def _is_ours(command: Any, field: str) -> bool:
    """Tell whether *command* asks about our catalog, or about any."""
    return not command.HasField(field) or fold(getattr(command, field)) == CATALOG


def _chooser(command: Any, field: str) -> Callable[[str], bool]:
    """Return the test of a name against an optional pattern of *command*."""
    return like(getattr(command, field) if command.HasField(field) else "%")


def _table(kind: str, rows: Sequence[Sequence[object]]) -> pa.Table:
    schema = SCHEMAS[kind]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )
