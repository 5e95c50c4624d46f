"""Names for the columns that have none: the caller's expression, as Snowflake names them.

Without them DuckDB would name a column after the rewritten text.
"""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.read import PREFIX

_NAMED = (exp.Alias, exp.Aliases, exp.Column, exp.Star, exp.Dot)


def name_outputs(tree: Node) -> None:
    """Give each unnamed item of every select list an alias, in place."""
    for select in list(tree.find_all(exp.Select)):
        select.set("expressions", [_named(item) for item in select.expressions])


def _named(item: Node) -> Node:
    if isinstance(item, _NAMED):
        return item
    return exp.alias_(item, written(item), quoted=True)


def written(node: Node) -> str:
    """Return *node* about as the caller wrote it."""
    copied = node.copy()
    for found in list(copied.find_all(exp.Cast, exp.JSONExtract)):
        if found is copied:
            copied = exp.Var(this=_short(found))
            break
        found.replace(exp.Var(this=_short(found)))
    text = str(copied.sql(dialect="snowflake", comments=False))
    return text.replace(PREFIX.upper(), "").replace(PREFIX, "")


def _short(node: Node) -> str:
    if isinstance(node, exp.JSONExtract):
        path = node.expression.sql(dialect="snowflake").strip("'")
        return f"{written(node.this)}:{path}"
    return f"{written(node.this)}::{node.args['to'].sql(dialect='snowflake')}"
