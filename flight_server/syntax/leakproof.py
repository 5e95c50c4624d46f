"""Conjuncts of a query that may be tested on raw rows, because they can neither fail nor tell.

Behind the fence of a row filter the engine cannot use the query's predicates
to skip rows. A comparison of an unmasked column with a literal of its own type
cannot raise, so it is copied inside the fence; the original stays where it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

from flight_server.syntax.facts import below
from flight_server.syntax.lineage import Output, Source, resolved
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node

_COMPARISONS = frozenset(
    {
        "COMPARE_EQUAL",
        "COMPARE_LESSTHAN",
        "COMPARE_LESSTHANOREQUALTO",
        "COMPARE_GREATERTHAN",
        "COMPARE_GREATERTHANOREQUALTO",
    }
)
_LITERALS: Mapping[str, frozenset[str]] = {
    "INTEGER": frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE"}),
    "STRING": frozenset({"VARCHAR", "DATE", "TIMESTAMP"}),
}
_SMALL = 9
"""Digits of a whole number that surely fits every integer type it is compared in."""
_ORDINARY_JOINS = frozenset({"REGULAR", "CROSS"})

Types = Callable[[Output], str | None]
"""Gives the SQL type of a table's column, or None where its raw value may not be tested."""


def leakproof_conjuncts(
    select: Node, sources: Sequence[Source] | None, types: Types
) -> dict[str, list[Node]]:
    """Return by alias the conjuncts of *select* that may be tested inside the fence of that table."""
    where = select.get("where_clause")
    if where is None or select["sample"] or not sources or not _joins_are_ordinary(select["from_table"]):
        return {}
    found: dict[str, list[Node]] = {}
    conjuncts = where["children"] if where["type"] == "CONJUNCTION_AND" else [where]
    for conjunct in conjuncts:
        column = _compared_column(conjunct)
        origin = resolved(column["column_names"], sources) if column else None
        if column is None or origin is None or not _fits(conjunct, types(origin)):
            continue
        alias = next(s.alias for s in sources if any(one is origin for one in s.columns or ()))
        found.setdefault(alias, []).append(_on_table(conjunct))
    return found


def plain_tables(root: Node) -> dict[str, Node]:
    """Return the base-table nodes of a FROM clause by alias; those of one alias are left out."""
    found: dict[str, list[Node]] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node["type"] == "JOIN":
            stack += [node["left"], node["right"]]
        elif node["type"] == "BASE_TABLE" and not node["column_name_alias"] and not node["sample"]:
            found.setdefault(fold(node["alias"] or node["qualified_name"]["path"][-1]), []).append(node)
    return {alias: nodes[0] for alias, nodes in found.items() if len(nodes) == 1}


def _joins_are_ordinary(node: Node) -> bool:
    """Tell whether the join's result stays the same if rows go early that a predicate rejects."""
    if node["type"] != "JOIN":
        return True
    ordinary = node["ref_type"] in _ORDINARY_JOINS and not node["ranking_expression"]
    return ordinary and _joins_are_ordinary(node["left"]) and _joins_are_ordinary(node["right"])


def _compared_column(conjunct: Node) -> Node | None:
    """Return the column that *conjunct* compares with constants, or None if it is anything else."""
    if conjunct["type"] in _COMPARISONS and conjunct["right"]["class"] == "CONSTANT":
        column: Node = conjunct["left"]
    elif conjunct["type"] == "COMPARE_IN" and all(v["class"] == "CONSTANT" for v in conjunct["children"][1:]):
        column = conjunct["children"][0]
    elif conjunct["type"] == "COMPARE_BETWEEN" and {
        conjunct["lower"]["class"],
        conjunct["upper"]["class"],
    } == {"CONSTANT"}:
        column = conjunct["input"]
    else:
        return None
    return column if column["class"] == "COLUMN_REF" else None


def _fits(conjunct: Node, column_type: str | None) -> bool:
    """Tell whether every constant is a literal that is compared in the column's own type."""
    if column_type is None:
        return False
    if conjunct["type"] in _COMPARISONS:
        constants = [conjunct["right"]]
    elif conjunct["type"] == "COMPARE_IN":
        constants = conjunct["children"][1:]
    else:
        constants = [conjunct["lower"], conjunct["upper"]]
    return all(_is_of_type(constant.get("literal"), column_type) for constant in constants)


def _is_of_type(literal: Node | None, column_type: str) -> bool:
    if literal is None or column_type not in _LITERALS.get(literal["kind"], ()):
        return False
    return literal["kind"] == "STRING" or len(literal["text"]) <= _SMALL


def _on_table(conjunct: Node) -> Node:
    """Return a copy of *conjunct* whose column has no qualifier, as it stands inside the fence."""
    moved = copy.deepcopy(conjunct)
    for node in below(moved):
        if node.get("class") == "COLUMN_REF":
            node["column_names"] = node["column_names"][-1:]
    return moved
