"""Writes that would store, or answer with, what a filter or a mask hides, or a name of ours."""

from __future__ import annotations

from collections.abc import Collection

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.syntax.facts import Facts, below, gather
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node
from flight_server.syntax.unnamed import qualifiers, uses_positions


def refuse_laundering(body: Node, facts: Facts, hidden: Collection[str]) -> None:
    """Refuse the write *body* if it answers with rows, or may read one of the masked columns *hidden*.

    Args:
        hidden: Folded names of the masked columns of the tables that it reads.

    Raises:
        QueryRefused: POLICY_DENIED.
    """
    if body.get("returning_list") or body.get("on_conflict_info"):
        raise QueryRefused(ErrorCode.POLICY_DENIED, "RETURNING and ON CONFLICT are not permitted")
    if not hidden:
        return
    used = {fold(part) for node in facts.columns for part in node["column_names"]}
    used |= {fold(part) for node in facts.function_nodes for part in node["qualified_name"]["path"][:-1]}
    used |= {fold(name) for node in below(body) for name in node.get("using_columns") or ()}
    wholes = {fold(node.get("alias") or node["qualified_name"]["path"][-1]) for node in facts.tables}
    read = used & {*hidden, *wholes}
    if facts.stars or read - qualifiers(facts) or uses_positions(body):
        raise QueryRefused(ErrorCode.POLICY_DENIED, "A write may not read a masked column")


def refuse_whole_rows(body: Node, facts: Facts, columns: Collection[str]) -> None:
    """Refuse the UPDATE or DELETE *body* if it may use its target's rows as a whole, or by position.

    While it runs they hold their identity, too, under a name that no caller may learn.

    Args:
        columns: Folded names of the target's columns; one that is the target's own name is no row.

    Raises:
        QueryRefused: POLICY_DENIED.
    """
    target = body["table"]
    alias = fold(target["alias"] or target["qualified_name"]["path"][-1])
    nested = {id(star) for select in facts.selects for star in gather(select).stars}
    stars = any(id(star) not in nested or fold(star["relation_name"]) == alias for star in facts.stars)
    paths = [node["column_names"][-1:] for node in facts.columns]
    paths += [node["qualified_name"]["path"][:-1] for node in facts.function_nodes]
    whole = alias not in columns and any(fold(part) == alias for path in paths for part in path)
    positions = any(node.get("class") == "POSITIONAL_REFERENCE" for node in below(body))
    if stars or whole or positions:
        raise QueryRefused(ErrorCode.POLICY_DENIED, "A write names the columns that it reads, not whole rows")
