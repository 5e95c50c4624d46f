"""What views are defined over: what the binder may find beneath them, and what alone decides their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flight_server.errors import QueryRefused
from flight_server.model import TableName
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.facts import Facts, gather
from flight_server.syntax.names import DEFAULT_SCHEMA, fold, resolve
from flight_server.syntax.parser import Parser, only_statement


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


def definitions_beneath(
    names: Iterable[TableName], catalog: CatalogSnapshot, parser: Parser
) -> tuple[frozenset[TableName], list[Facts]] | None:
    """Return every table that can decide the rows of *names*, and what the views among them hold.

    DuckDB looks for an unqualified name in the schema of the view, then in the default one; where
    both have it, both count. None, where a definition is not understood to the end.
    """
    known: set[TableName] = set()
    found: list[Facts] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        table = catalog.tables.get(name)
        if table is None or table.engine:
            return None
        if name in known:
            continue
        known.add(name)
        if not table.is_view:
            continue
        facts = _facts_of(table.definition, parser)
        if facts is None:
            return None
        found.append(facts)
        for node in facts.tables:
            sources = list(_places(node["qualified_name"]["path"], name.schema, catalog))
            if not sources:
                return None
            waiting += sources
    return frozenset(known), found


def _facts_of(definition: str, parser: Parser) -> Facts | None:
    """Return what the query of a view holds, read by DuckDB's own parser."""
    try:
        return gather(only_statement(json.loads(parser.parse_read(_query_of(definition, parser))))["node"])
    except (QueryRefused, KeyError):
        return None


def _query_of(definition: str, parser: Parser) -> str:
    """Return what follows the first AS outside of brackets."""
    encoded, depth = definition.encode(), 0
    offsets = [offset for offset, _ in parser.tokens(definition)]
    for start, end in zip(offsets, [*offsets[1:], len(encoded)], strict=True):
        word = encoded[start:end].decode().strip().lower()
        depth += (word == "(") - (word == ")")
        if word == "as" and not depth:
            return encoded[end:].decode().rstrip().rstrip(";")
    return ""


def _places(path: list[str], schema: str, catalog: CatalogSnapshot) -> Iterator[TableName]:
    """Yield the tables of the catalog that a name in a view of *schema* can mean."""
    if len(path) > 2:
        return
    schemas = (schema, DEFAULT_SCHEMA) if len(path) == 1 else (path[0],)
    names = dict.fromkeys(TableName(fold(place), fold(path[-1])) for place in schemas)
    yield from (name for name in names if name in catalog.tables)


def _defined_over(definition: str, schema: str, catalog: CatalogSnapshot) -> list[TableName]:
    try:
        tree = sqlglot.parse_one(definition, dialect="duckdb")
    except SqlglotError:
        return []
    paths = [[part.name for part in table.parts] for table in tree.find_all(exp.Table)]
    return [name for path in paths if (name := resolve(path, catalog.schemas, schema)) is not None]
