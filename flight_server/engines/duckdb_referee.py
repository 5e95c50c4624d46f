"""What DuckDB's binder says a plan reads, against what the plan was meant to read.

The parser's word on the printed text was asked before (steps/transpile.py);
this asks the binder, which sees through views and macros.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

import duckdb

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Scalar
from flight_server.steps.transpile import Plan
from flight_server.syntax.names import fold


def refuse_strangers(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    parameters: Sequence[Scalar],
    holder: Callable[[str], str],
) -> None:
    """Refuse a plan in which the binder finds a table that the plan does not account for.

    Args:
        holder: Gives the catalog that holds a schema.

    Raises:
        QueryRefused: POLICY_DENIED.
    """
    row = connection.execute("EXPLAIN (FORMAT JSON) " + plan.sql, list(parameters) or None).fetchone()
    found = set(_scanned(json.loads(row[1]))) if row else set()
    expected = {(holder(name.schema), name.schema, name.table) for name in plan.expected}
    strangers = {name for name in found if _path(name) not in expected and _path(name)[0] != "temp"}
    if strangers:
        raise QueryRefused(
            ErrorCode.POLICY_DENIED, "This form of query is not permitted", detail=f"binder found {strangers}"
        )


_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')


def _path(name: str) -> tuple[str, ...]:
    """Return the folded parts of a printed name, some of which may be quoted."""
    return tuple(fold(quoted.replace('""', '"') or plain) for quoted, plain in _PART.findall(name))


def _scanned(root: object) -> Iterator[str]:
    """Yield the tables that a physical plan names, as `catalog.schema.table`."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            stack.append(node.get("children", []))
            table = node.get("extra_info", {}).get("Table")
            if isinstance(table, str):
                yield table
