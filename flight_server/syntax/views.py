"""What views are defined over, so that the binder's findings beneath them are expected."""

from __future__ import annotations

from collections.abc import Iterable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flight_server.model import TableName
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.names import resolve


def with_beneath(names: Iterable[TableName], catalog: CatalogSnapshot) -> frozenset[TableName]:
    """Return *names* and the tables that the views among them are defined over."""
    known: set[TableName] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        table = catalog.tables.get(name)
        if table is not None and table.is_view:
            waiting += _defined_over(table.definition, name.schema, catalog)
    return frozenset(known)


def _defined_over(definition: str, schema: str, catalog: CatalogSnapshot) -> list[TableName]:
    try:
        tree = sqlglot.parse_one(definition, dialect="duckdb")
    except SqlglotError:
        return []
    paths = [[part.name for part in table.parts] for table in tree.find_all(exp.Table)]
    return [name for path in paths if (name := resolve(path, catalog.schemas, schema)) is not None]
