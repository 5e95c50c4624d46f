"""All rules of all families, in the order in which the families are looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from flight_server.dialects import (
    aggregates,
    arithmetic,
    array_edits,
    arrays,
    casts,
    chance,
    compare,
    conditions,
    dates,
    intervals,
    objects,
    passing,
    paths,
    patterns,
    strings,
    truth,
)
from flight_server.dialects.build import Node, is_ours, leave_to_inner
from flight_server.dialects.functions import FunctionRule
from flight_server.dialects.read import written_name
from flight_server.dialects.refuse import unsupported

Rule = Callable[[Node], Node]
_MODULES: tuple[Any, ...] = (
    conditions,
    arithmetic,
    strings,
    patterns,
    intervals,
    dates,
    casts,
    paths,
    objects,
    arrays,
    array_edits,
    aggregates,
    chance,
    compare,
    truth,
    passing,
)


def _gathered(attribute: str) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for module in _MODULES:
        for key, rule in getattr(module, attribute, {}).items():
            found.setdefault(key, rule)
    return found


FUNCTIONS: Mapping[str, FunctionRule] = _gathered("FUNCTIONS")
"""From the upper-case Snowflake name to the rule of the function."""

RULES: Mapping[type[exp.Expr], Rule] = _gathered("RULES")
"""From the class of a node to the rule of an operator or a clause."""


def rewritten(node: Node) -> Node:
    """Return what one node, whose children are rewritten already, stands for in DuckDB."""
    if isinstance(node, exp.Anonymous):
        return _called(node)
    rule = RULES.get(type(node))
    return node if rule is None else rule(node)


def _called(node: exp.Anonymous) -> Node:
    if is_ours(node):
        return node
    name = written_name(node)
    rule = FUNCTIONS.get(name)
    if rule is None or isinstance(node.this, exp.Identifier):
        raise unsupported(f"the function {name}")
    for argument in node.expressions:
        leave_to_inner(argument)
    return rule(node.expressions)
