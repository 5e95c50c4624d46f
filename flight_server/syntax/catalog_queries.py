"""Queries about the engine's own catalog, in which the warehouse has another name than the public one.

Only administrators may ask them. Where the text says `hatidata`, the engine reads its own name for it;
the way back, in what it answers, is the engine's (engines/duckdb_public.py).
"""

from __future__ import annotations

from flight_server.model import TableName
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.facts import Facts, below
from flight_server.syntax.names import PUBLIC_CATALOG, fold
from flight_server.syntax.parser import Node

_ABOUT_THE_CATALOG = ("duckdb_", "pragma_", "pg_")


def asks_about_catalog(facts: Facts, catalog: CatalogSnapshot, sealed_catalog: str) -> bool:
    """Tell whether a query reads what the engine says of itself, besides tables of the warehouse."""
    if facts.shows or any(
        _names_catalog(node["function"]["function_name"]) for node in facts.table_functions
    ):
        return True
    paths = [[fold(part) for part in node["qualified_name"]["path"]] for node in facts.tables]
    return any(_is_system(path, catalog, sealed_catalog) for path in paths)


def _names_catalog(function: str) -> bool:
    return fold(function).startswith(_ABOUT_THE_CATALOG)


def _is_system(path: list[str], catalog: CatalogSnapshot, sealed_catalog: str) -> bool:
    if len(path) == 3 and path[0] == sealed_catalog:
        return TableName(path[1], path[2]) not in catalog.tables
    return path[0] != "temp"


def name_sealed(root: Node, sealed_catalog: str) -> None:
    """Put the engine's name of the warehouse in the place of the text `hatidata`."""
    for node in below(root):
        literal = node.get("literal") if node.get("class") == "CONSTANT" else None
        if literal and literal["kind"] == "STRING" and fold(literal["text"]) == PUBLIC_CATALOG:
            literal["text"] = sealed_catalog
