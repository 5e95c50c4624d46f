"""SHOW and DESCRIBE in Snowflake's words: what is asked of the catalog.

Their answers hold only what the caller may see, and are made of the same view of the
catalog as the metadata of Flight SQL (steps/show.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from flight_server.dialects.build import literal_integer, literal_text
from flight_server.dialects.read import read
from flight_server.dialects.refuse import unsupported, wrong
from flight_server.errors import QueryRefused
from flight_server.model import Dialect
from flight_server.syntax.names import PUBLIC_CATALOG, fold

Shown = Literal["TABLES", "VIEWS", "OBJECTS", "SCHEMAS", "DATABASES", "COLUMNS", "DESCRIBE"]
_SHOWN: dict[str, Shown] = {
    "TABLES": "TABLES",
    "VIEWS": "VIEWS",
    "OBJECTS": "OBJECTS",
    "SCHEMAS": "SCHEMAS",
    "DATABASES": "DATABASES",
    "COLUMNS": "COLUMNS",
}
_START = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:SHOW|DESC|DESCRIBE)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Show:
    """One question about the catalog.

    Attributes:
        table: The parts of the one table that is asked about.
        schema: The folded schema that is looked at; empty for all of them.
        database: The folded database, likewise.
        current: Whether only the current schema is looked at.
    """

    what: Shown
    table: tuple[str, ...] = ()
    schema: str = ""
    database: str = ""
    current: bool = False
    like: str | None = None
    starts_with: str | None = None
    limit: int | None = None
    after: str | None = None
    terse: bool = False


def show_of(sql: str, dialect: Dialect, accepts: Callable[[str], bool]) -> Show | None:
    """Return the question that *sql* is in Snowflake's words, None for any other statement.

    Args:
        accepts: Whether DuckDB's parser takes a text; what it takes is its own, unless Snowflake is declared.

    Raises:
        QueryRefused: QUERY_ERROR, for a SHOW that has no counterpart.
    """
    if dialect == "duckdb" or not _START.match(sql) or (dialect == "auto" and accepts(sql)):
        return None
    try:
        tree = read(sql)
    except QueryRefused:
        return None
    if isinstance(tree, exp.Describe):
        return _described(tree)
    return _shown(tree) if isinstance(tree, exp.Show) else None


def _described(tree: exp.Describe) -> Show | None:
    kind = str(tree.args.get("kind") or "TABLE").upper()
    if not isinstance(tree.this, exp.Table) or kind not in ("TABLE", "VIEW"):
        return None
    given = [item.sql(dialect="snowflake").upper().replace(" ", "") for item in tree.expressions]
    if given not in ([], ["TYPE=COLUMNS"]):
        raise unsupported(f"DESCRIBE with {given[0]}")
    return Show("DESCRIBE", _parts(tree.this))


def _shown(tree: exp.Show) -> Show:
    name = str(tree.this).upper()
    if name not in _SHOWN or tree.args.get("privileges") or tree.args.get("iceberg"):
        raise unsupported(f"SHOW {name}")
    if tree.args.get("history"):
        raise unsupported("SHOW .. HISTORY")
    limit = tree.args.get("limit")
    made = _scoped(tree, _SHOWN[name])
    return Show(
        made.what,
        made.table,
        made.schema,
        made.database,
        made.current,
        literal_text(tree.args.get("like")),
        literal_text(tree.args["starts_with"] or None),
        literal_integer(limit.expression) if limit is not None else None,
        literal_text(tree.args.get("from_")),
        bool(tree.args.get("terse")),
    )


def _scoped(tree: exp.Show, what: Shown) -> Show:
    """Return *what* with the place of the catalog that is looked at."""
    scope, kind = tree.args.get("scope"), str(tree.args.get("scope_kind") or "ACCOUNT").upper()
    parts = _parts(scope) if isinstance(scope, exp.Table) else ()
    if kind in ("TABLE", "VIEW") and what == "COLUMNS" and parts:
        return Show(what, parts)
    if kind == "DATABASE" or (kind == "SCHEMA" and [*map(fold, parts)] == [PUBLIC_CATALOG]):
        return Show(what, database=fold(parts[0]) if parts else PUBLIC_CATALOG)
    if kind == "SCHEMA" and what == "SCHEMAS" and len(parts) == 1:
        return Show(what, database=fold(parts[0]))
    if kind == "SCHEMA" and len(parts) < 3:
        names = [*map(fold, parts)]
        database = names[0] if len(names) == 2 else ""
        return Show(what, schema=names[-1] if names else "", database=database, current=not names)
    if kind == "ACCOUNT":
        return Show(what)
    raise wrong(f"SHOW {what} cannot look there")


def _parts(table: exp.Table) -> tuple[str, ...]:
    return tuple(part.name for part in table.parts)
