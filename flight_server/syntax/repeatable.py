"""Whether a query gives the same answer again as long as its tables stay the same."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from flight_server.model import TableName
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.facts import Facts
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Parser
from flight_server.syntax.views import definitions_beneath

CLOCK = frozenset(
    {
        "now",
        "today",
        "ago",
        "age",
        "uuidv7",
        "transaction_timestamp",
        "current_date",
        "current_time",
        "current_timestamp",
        "current_localtime",
        "current_localtimestamp",
        "get_current_time",
        "get_current_timestamp",
        "localtime",
        "localtimestamp",
    }
)
_TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree"})
_SYNTAX = frozenset({"unnest", "unlist", "coalesce", "if", "nullif"})
_BY_CHANCE = frozenset({"reservoir_quantile", "approx_top_k"})


def repeatable_functions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return the built-in functions that give the same result for the same arguments, in every query."""
    rows = connection.execute(
        "SELECT lower(function_name) FROM duckdb_functions() WHERE internal "
        "GROUP BY 1 HAVING bool_and(coalesce(stability, 'CONSISTENT') = 'CONSISTENT')"
    ).fetchall()
    return (frozenset(str(name) for (name,) in rows) | _SYNTAX) - CLOCK - _BY_CHANCE


def reads_clock(facts: Facts, tables: Iterable[TableName], catalog: CatalogSnapshot) -> bool:
    """Tell whether a query may ask for the time; a view always may."""
    found = (catalog.tables.get(name) for name in tables)
    return _names_clock(facts) or any(table is None or table.is_view for table in found)


def _names_clock(facts: Facts) -> bool:
    names = facts.functions | {fold(node["column_names"][-1]) for node in facts.columns}
    return not names.isdisjoint(CLOCK)


def _is_repeatable(facts: Facts, repeatable: frozenset[str]) -> bool:
    """Tell whether only tables decide what comes of a query, of which *facts* are known."""
    calls = {fold(node["function"]["function_name"]) for node in facts.table_functions}
    if not facts.functions <= repeatable or not calls <= _TABLE_FUNCTIONS:
        return False
    return not (facts.unknown or facts.shows or facts.samples or facts.writes or _names_clock(facts))


def tables_of_repeatable(
    facts: Facts,
    sealed_catalog: str,
    catalog: CatalogSnapshot,
    repeatable: frozenset[str],
    parser: Parser,
) -> frozenset[TableName] | None:
    """Return the tables whose state alone decides the answer of a query, or None if more does.

    Of a view these are the tables beneath it, at any depth, if its own query is repeatable, too.

    Args:
        facts: Of the tree that is run, with row filters and masks in it.
        repeatable: What `repeatable_functions` returned.
    """
    if not _is_repeatable(facts, repeatable):
        return None
    paths = [node["qualified_name"]["path"] for node in facts.tables]
    if any(len(path) != 3 or fold(path[0]) != sealed_catalog for path in paths):
        return None
    names = frozenset(TableName(fold(path[1]), fold(path[2])) for path in paths)
    beneath = definitions_beneath(names, catalog, parser)
    if beneath is None or not all(_is_repeatable(inner, repeatable) for inner in beneath[1]):
        return None
    return beneath[0]
