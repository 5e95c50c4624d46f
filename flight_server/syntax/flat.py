"""Whether a query is flat enough that raw values may travel to the result's edge.

In a flat query every reference is the name of a column that the caller's table
has, so none can be the name under which a raw value travels. The rule is a
positive list; a query that is not flat is masked at the source instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from flight_server.syntax.facts import Facts
from flight_server.syntax.lineage import Source, resolved
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node

_EXPRESSIONS = frozenset(
    {
        "COLUMN_REF",
        "CONSTANT",
        "COMPARISON",
        "CONJUNCTION",
        "BETWEEN",
        "CASE",
        "CAST",
        "OPERATOR",
        "PARAMETER",
        "TYPE",
    }
)


def is_flat(root: Node, facts: Facts, sources: Sequence[Source] | None, classes: set[str]) -> bool:
    """Tell whether the outputs of *root* may carry raw values to the mask step.

    Args:
        sources: What its FROM clause holds, all of it with known columns.
        classes: The classes of all its expressions.
    """
    if root["type"] != "SELECT_NODE" or len(facts.selects) != 1 or not sources:
        return False
    if (root.get("cte_map") or {}).get("map") or root["group_expressions"] or root["group_sets"]:
        return False
    if root["aggregate_handling"] != "STANDARD_HANDLING" or not classes <= _EXPRESSIONS:
        return False
    if root["having"] or root["qualify"] or root["sample"]:
        return False
    if any(source.columns is None for source in sources) or not _is_plain_from(root["from_table"]):
        return False
    if any(not _is_plain_modifier(modifier) for modifier in root["modifiers"]):
        return False
    aliases = {source.alias for source in sources}
    named = {fold(item["alias"]) for item in root["select_list"] if item["alias"]}
    used = [[fold(part) for part in node["column_names"]] for node in facts.columns]
    whole_rows = any(len(path) == 1 and path[0] in aliases for path in used)
    reused = any(len(path) == 1 and path[0] in named for path in _outside(root, facts))
    unknown = any(resolved(path, sources) is None for path in used)
    return not whole_rows and not reused and not unknown and len(aliases) == len(sources)


def _outside(root: Node, facts: Facts) -> list[list[str]]:
    """Return the column paths that stand outside of the select list."""
    inside = {id(item) for item in root["select_list"]}
    return [[fold(part) for part in node["column_names"]] for node in facts.columns if id(node) not in inside]


def _is_plain_from(node: Node) -> bool:
    if node["type"] == "JOIN":
        plain = node["ref_type"] in ("REGULAR", "CROSS") and not node["using_columns"]
        plain = plain and not node["ranking_expression"]
        return plain and _is_plain_from(node["left"]) and _is_plain_from(node["right"])
    return node["type"] == "BASE_TABLE" and not node["column_name_alias"] and not node["sample"]


def _is_plain_modifier(modifier: Node) -> bool:
    """Tell whether a modifier is a LIMIT by numbers, or an ORDER BY of expressions over named columns."""
    if modifier["type"] == "LIMIT_MODIFIER":
        return True
    if modifier["type"] != "ORDER_MODIFIER":
        return False
    return all(order["expression"]["class"] == "COLUMN_REF" for order in modifier["orders"])
