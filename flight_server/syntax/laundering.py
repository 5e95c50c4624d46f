"""Writes that would store, or answer with, what a filter or a mask hides."""

from __future__ import annotations

from collections.abc import Collection

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.syntax.facts import Facts, below
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
