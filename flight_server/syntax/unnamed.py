"""How columns may be used without their names, and what outputs are called."""

from __future__ import annotations

import json

from flight_server.syntax.facts import Facts, below
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node, Parser, only_statement


def qualifiers(facts: Facts) -> set[str]:
    """Return the words that only stand before a column's name, such as a table's alias."""
    lasts = {fold(node["column_names"][-1]) for node in facts.columns}
    firsts = {fold(part) for node in facts.columns for part in node["column_names"][:-1]}
    return firsts - lasts


def uses_positions(root: Node) -> bool:
    """Tell whether columns may be used in *root* without their names: joined, counted or renamed."""
    return any(
        node.get("ref_type") == "NATURAL"
        or node.get("class") == "POSITIONAL_REFERENCE"
        or (node.get("type") in ("BASE_TABLE", "PIVOT", "JOIN") and node.get("column_name_alias"))
        for node in below(root)
    )


def expands_names(facts: Facts) -> bool:
    """Tell whether stars inside of expressions put the full names of columns into the names of outputs."""
    items = {id(item) for select in facts.selects for item in select["select_list"]}
    return any(id(star) not in items or star["columns"] for star in facts.stars)


def printed(parser: Parser, item: Node) -> str:
    """Return the text of one output expression, which is what the engine would name it."""
    probe = json.loads(parser.parse_read("SELECT 1"))
    only_statement(probe)["node"]["select_list"] = [item]
    return parser.print_read(probe).removeprefix("SELECT ")
