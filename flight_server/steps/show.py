"""The answers to SHOW and DESCRIBE in Snowflake's words: a query over what the caller may see, as constants.

The query goes through the pipeline like any other, and reads no table. What would tell of
rows or owners is NULL; a masked column is shown as the text that its reader gets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from flight_server.dialects.refuse import wrong
from flight_server.dialects.shows import Show
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import TableName
from flight_server.steps.authorise import denial
from flight_server.steps.look import Sight
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.names import DEFAULT_SCHEMA, PUBLIC_CATALOG, fold, quote, resolve

Row = Mapping[str, object]
_HEADS = {
    "TABLES": "created_on name database_name schema_name kind comment cluster_by rows bytes owner",
    "OBJECTS": "created_on name database_name schema_name kind comment cluster_by rows bytes owner",
    "VIEWS": "created_on name reserved database_name schema_name owner comment text",
    "SCHEMAS": "created_on name is_default is_current database_name owner comment",
    "DATABASES": "created_on name is_default is_current origin owner comment",
    "COLUMNS": "table_name schema_name column_name data_type null? default kind comment database_name",
    "DESCRIBE": "name type kind null? default comment",
}
_TERSE = "created_on name kind database_name schema_name"
_TYPES = {"created_on": "TIMESTAMP", "rows": "BIGINT", "bytes": "BIGINT"}
_TEXT = "VARCHAR(16777216)"
_OF_DUCKDB = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "NUMBER(38,0)"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "NUMBER(38,0)"),
    **dict.fromkeys(("DOUBLE", "FLOAT"), "FLOAT"),
    **dict.fromkeys(("VARCHAR", "UUID"), _TEXT),
    "BLOB": "BINARY(8388608)",
    "JSON": "VARIANT",
    "TIME": "TIME(6)",
    "TIMESTAMP": "TIMESTAMP_NTZ(6)",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_TZ(6)",
}


def answer(show: Show, sight: Sight, own_tables: Sequence[Table], current: str) -> str:
    """Return the DuckDB query that answers *show*.

    Args:
        own_tables: The session's temporary tables.
        current: The current schema.

    Raises:
        QueryRefused: POLICY_DENIED for a table or a place that is closed or not there.
    """
    head = (_TERSE if show.terse and show.what != "COLUMNS" else _HEADS[show.what]).split()
    seen = _Seen(sight, own_tables, current)
    seen.check_place(show)
    named = _ROWS[show.what](show, seen)
    rows = [{key: row.get(key) for key in head} for row in _chosen(show, named)]
    kinds = json.dumps([{key: _TYPES.get(key, "VARCHAR") for key in head}])
    listed = f"unnest(from_json({_literal(json.dumps(rows))}, {_literal(kinds)}))"
    columns = ", ".join(f"r.{quote(key)}" for key in head)
    return f"SELECT {columns} FROM (SELECT {listed} AS r)"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class _Seen:
    """The tables that a caller may see, its session's own among them."""

    def __init__(self, sight: Sight, own_tables: Sequence[Table], current: str) -> None:
        self.sight = sight
        self.own = own_tables
        self.current = current

    def tables(self, show: Show) -> Iterator[tuple[TableName | None, Table]]:
        """Yield the tables of the place that *show* looks at; the session's own have no name."""
        for table in self.own:
            if self._inside(show, PUBLIC_CATALOG, self.current):
                yield None, table
        for name, table in self.sight.tables.items():
            if self._inside(show, *self.placed(table)):
                yield name, table

    def check_place(self, show: Show) -> None:
        """Refuse a schema or database of which nothing is seen, whether it is there or not."""
        places = {(PUBLIC_CATALOG, fold(schema)) for schema in self.sight.schemas}
        places |= {(fold(d), fold(s)) for d, s in map(self.placed, self.sight.tables.values())}
        found = [
            place for place in places if show.database in ("", place[0]) and show.schema in ("", place[1])
        ]
        if found:
            return
        words = f"schema '{show.schema}'" if show.schema else f"database '{show.database}'"
        if self.sight.complete:
            raise wrong(f"{words.capitalize()} does not exist")
        agent = self.sight.principal.agent_id
        raise QueryRefused(ErrorCode.POLICY_DENIED, f"Agent '{agent}' is not permitted to access {words}")

    def one(self, parts: tuple[str, ...]) -> tuple[TableName | None, Table]:
        """Return the table that *parts* name."""
        own = {fold(table.name): table for table in self.own}
        if len(parts) == 1 and fold(parts[0]) in own:
            return None, own[fold(parts[0])]
        name = resolve(list(parts), self.sight.schemas, self.current)
        if name is not None and name in self.sight.tables:
            return name, self.sight.tables[name]
        if self.sight.complete:
            raise wrong(f"Table '{'.'.join(parts)}' does not exist")
        name = name or TableName(".".join(map(fold, parts[:-1])) or DEFAULT_SCHEMA, fold(parts[-1]))
        raise QueryRefused(ErrorCode.POLICY_DENIED, denial(self.sight.principal, name))

    def placed(self, table: Table) -> tuple[str, str]:
        """Return the database and the schema of a table, as they are written."""
        if table in self.own:
            return PUBLIC_CATALOG, self.current
        if table.engine:
            return table.engine, table.schema.removeprefix(f"{table.engine}.")
        return PUBLIC_CATALOG, table.schema

    def _inside(self, show: Show, database: str, schema: str) -> bool:
        wanted = self.current if show.current else show.schema
        inside = not show.database or fold(database) == show.database
        return inside and (not wanted or fold(schema) == wanted)


def _table_rows(show: Show, seen: _Seen) -> Iterator[Row]:
    for _, table in seen.tables(show):
        if table.is_view and show.what == "TABLES":
            continue
        if not table.is_view and show.what == "VIEWS":
            continue
        database, schema = seen.placed(table)
        kind = "VIEW" if table.is_view else "TEMPORARY" if table in seen.own else "TABLE"
        yield {"name": table.name, "database_name": database, "schema_name": schema, "kind": kind}


def _schema_rows(show: Show, seen: _Seen) -> Iterator[Row]:
    engines = {fold(table.schema): table for table in seen.sight.tables.values() if table.engine}
    for schema in sorted(seen.sight.schemas):
        database, name = seen.placed(engines[schema]) if schema in engines else (PUBLIC_CATALOG, schema)
        if not show.database or fold(database) == show.database:
            current = "Y" if schema == seen.current else "N"
            yield {"name": name, "database_name": database, "is_default": "N", "is_current": current}


def _database_rows(_: Show, seen: _Seen) -> Iterator[Row]:
    engines = {table.engine for table in seen.sight.tables.values() if table.engine}
    for name in (PUBLIC_CATALOG, *sorted(engines)):
        yield {"name": name, "is_default": "N", "is_current": "Y" if name == PUBLIC_CATALOG else "N"}


def _column_rows(show: Show, seen: _Seen) -> Iterator[Row]:
    found: Iterable[tuple[TableName | None, Table]] = (
        [seen.one(show.table)] if show.table else seen.tables(show)
    )
    for name, table in found:
        database, schema = seen.placed(table)
        for column in table.columns:
            told = _told(column, name, seen.sight)
            yield told | {
                "name": column.name,
                "table_name": table.name,
                "schema_name": schema,
                "column_name": column.name,
                "data_type": json.dumps({"type": told["type"], "nullable": told["null?"] == "Y"}),
                "kind": "COLUMN",
                "database_name": database,
            }


def _told(column: Column, table: TableName | None, sight: Sight) -> dict[str, object]:
    """Return what may be said of a column; a mask hides its type, a default only those who see all know."""
    masked = table is not None and fold(column.name) in sight.masked.get(table, {})
    default = column.default if (sight.complete or table is None) and column.default else None
    return {
        "type": _TEXT if masked else snowflake_type(column.type),
        "null?": "Y" if masked or column.nullable else "N",
        "default": default,
    }


def snowflake_type(kind: str) -> str:
    """Return Snowflake's word for a type of DuckDB; what Snowflake has not keeps its name."""
    decimal = re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", kind)
    return f"NUMBER({decimal[1]},{decimal[2]})" if decimal else _OF_DUCKDB.get(kind, kind)


def _chosen(show: Show, rows: Iterable[Row]) -> list[Row]:
    """Return the rows that LIKE, STARTS WITH and LIMIT leave."""
    found = list(rows)
    if show.like is not None:
        pattern = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in show.like)
        found = [r for r in found if re.fullmatch(pattern, str(r["name"]), re.IGNORECASE | re.DOTALL)]
    if show.starts_with is not None:
        found = [row for row in found if str(row["name"]).startswith(show.starts_with)]
    if show.after is not None:
        found = [row for row in found if str(row["name"]) > show.after]
    return found[: show.limit]


_ROWS: Mapping[str, Callable[[Show, _Seen], Iterator[Row]]] = {
    "TABLES": _table_rows,
    "VIEWS": _table_rows,
    "OBJECTS": _table_rows,
    "SCHEMAS": _schema_rows,
    "DATABASES": _database_rows,
    "COLUMNS": _column_rows,
    "DESCRIBE": _column_rows,
}
