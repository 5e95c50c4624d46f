"""ORDER BY: where NULLs go, and by what a VARIANT is ordered.

Snowflake takes NULL for the largest value, so NULLs come last in ascending and
first in descending order; the parser notes that at each key, the printer says it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from flight_server.dialects.build import Node, raw
from flight_server.dialects.compare import sort_keys
from flight_server.dialects.kinds import is_json


def expanded(keys: Iterable[Node]) -> list[Node]:
    """Return the keys of an ORDER BY, a VARIANT as two: its number, then its text."""
    return [made for key in keys for made in (_by_value(key) if is_json(key.this) else (_all(key),))]


def _all(key: Node) -> Node:
    """Return a key `ALL`, which the parser takes for a column, as the word that it is."""
    column = key.this
    bare = isinstance(column, exp.Column) and not column.table and not column.this.quoted
    if bare and column.name.upper() == "ALL":
        key.set("this", raw("ALL"))
    return key


def _by_value(key: Node) -> tuple[Node, ...]:
    made = []
    for value in sort_keys(key.this):
        copied = key.copy()
        copied.set("this", value)
        made.append(copied)
    return tuple(made)
