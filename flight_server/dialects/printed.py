"""Pieces of DuckDB text made of rewritten expressions, for clauses that sqlglot has no node for."""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.leftovers import refuse_leftovers
from flight_server.dialects.write import write


def printed(node: Node) -> str:
    """Return the DuckDB text of a rewritten expression."""
    refuse_leftovers(node)
    return write(node)


def identifier(name: str) -> str:
    """Return *name* quoted."""
    return '"' + name.replace('"', '""') + '"'


def column_list(alias: exp.TableAlias | None, default: str, columns: tuple[str, ...]) -> str:
    """Return `"name"("a", "b")`, with the caller's names where there are some."""
    name = alias.name if alias is not None and alias.name else default
    given = [column.name for column in alias.columns] if alias is not None else []
    names = [*given, *columns[len(given) :]]
    return f"{identifier(name)}({', '.join(map(identifier, names))})"
