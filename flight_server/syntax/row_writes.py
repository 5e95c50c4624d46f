"""An UPDATE or DELETE as a query for rows and values, and a shell of ours that writes them.

The caller's expressions stand in the query alone, over the secured table; the
raw table is only ever joined by row identity.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from flight_server.syntax.names import quote
from flight_server.syntax.parser import Node, Parser, only_statement

SOURCE = "{source}"
"""Where the query's text goes in the shell."""


@dataclass(frozen=True, slots=True)
class RowWrite:
    """The query that finds rows and new values, and the statement that takes them.

    Attributes:
        select: The query node inside *tree*.
        shell: SQL text with `SOURCE` in it.
    """

    tree: Node
    select: Node
    shell: str


def by_row(parser: Parser, body: Node, source: Node, row: str, path: list[str]) -> RowWrite:
    """Return *body*, an UPDATE or DELETE node, as a write by row identity.

    Args:
        source: The secured table, with the row identity as column *row*; it gets the target's alias.
        path: Where the raw table is.
    """
    node = body["table"]
    alias = source["alias"] = node["alias"] or node["qualified_name"]["path"][-1]
    text = f"SELECT {quote(alias)}.{quote(row)} FROM a, b WHERE c"
    tree: Node = json.loads(parser.parse_read(text))
    select = only_statement(tree)["node"]
    pair = select["from_table"]
    select["from_table"] = source
    for other in _others(body):
        select["from_table"] = {**pair, "left": select["from_table"], "right": other}
    set_info = body.get("set_info") or {}
    select["where_clause"] = set_info.get("condition") or body.get("condition")
    select["cte_map"] = body["cte_map"]
    assignments = _new_values(select, set_info)
    raw = ".".join(map(quote, path))
    verb = f"UPDATE {raw} AS __t SET {assignments} FROM" if assignments else f"DELETE FROM {raw} AS __t USING"
    return RowWrite(tree, select, f"{verb} ({SOURCE}) AS __s WHERE __t.rowid = __s.{quote(row)}")


def _others(body: Node) -> list[Node]:
    """Return the further tables of an UPDATE .. FROM or DELETE .. USING."""
    return [body["from_table"]] if body.get("from_table") else list(body.get("using_clauses") or ())


def _new_values(select: Node, set_info: Node) -> str:
    """Add the new values of an UPDATE to the outputs of *select*; return its SET list."""
    assignments = []
    pairs = zip(set_info.get("columns", ()), set_info.get("expressions", ()), strict=True)
    for index, (column, value) in enumerate(pairs):
        if value["class"] == "DEFAULT":
            assignments.append(f"{quote(column)} = DEFAULT")
            continue
        name = f"__v{index}"
        select["select_list"].append({**value, "alias": name})
        assignments.append(f"{quote(column)} = __s.{name}")
    return ", ".join(assignments)
