"""The secured derived table: the only text that may name the sealed catalog for the restricted.

Rows are filtered innermost, behind a LIMIT that the optimiser may not push a
predicate through; every column passes through TRY, which hides column
statistics and keeps raising expressions above it. Masks come last. All three
are needed: see docs/decisions/0060-secured-derived-tables.md. A view filters by
itself, but only behind the same fence do predicates stay outside of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import BoundFilter, Mask, MaskFunction, TableGrant, TableName
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.facts import below, gather
from flight_server.syntax.names import fold, quote
from flight_server.syntax.parser import Node, Parser, only_statement

FENCE = 9223372036854775807
Locate = Callable[[Node], list[str]]
"""Gives the path in the sealed catalog of a table node that a filter names."""


def secured_table(
    parser: Parser,
    path: list[str],
    table: Table,
    grant: TableGrant,
    locate: Locate,
    row_id: str = "",
    carriers: str = "",
    carried: frozenset[str] = frozenset(),
    conjuncts: Sequence[Node] = (),
) -> Node:
    """Return a derived-table node with the rows and the masked columns that *grant* leaves of *table*.

    Args:
        path: Where the raw table is.
        row_id: Name under which the raw row identity is added, for writes; empty leaves it out.
        carriers: Prefix under which raw values are added for masks on the result.
        carried: The folded names of the columns that are.
        conjuncts: Leakproof predicates of the query, tested inside the fence to skip rows early.
    """
    fenced = bool(grant.filters) or table.is_view
    outer = [_visible(column, grant, fenced) for column in table.columns]
    outer += [
        f"{_raw_text(column, fenced)} AS {quote(carriers + fold(column.name))}"
        for column in table.columns
        if fold(column.name) in carried
    ]
    inner = "*"
    if row_id:
        outer.append(quote(row_id))
        inner = f"rowid AS {quote(row_id)}, *"
    fence = f" LIMIT {FENCE}" if fenced else ""
    source = ".".join(map(quote, path))
    text = f"SELECT * FROM (SELECT {', '.join(outer)} FROM (SELECT {inner} FROM {source}{fence}) AS f) AS s"
    root = only_statement(json.loads(parser.parse_read(text)))["node"]
    secured: Node = root["from_table"]
    if grant.filters:
        innermost = secured["subquery"]["node"]["from_table"]["subquery"]["node"]
        predicates = [filter_predicate(parser, rule, locate) for rule in grant.filters]
        innermost["where_clause"] = conjunction([*predicates, *conjuncts])
    return secured


def _plain(name: str, fenced: bool) -> str:
    """Return the raw column, behind TRY where rows are filtered."""
    return f"TRY({quote(name)})" if fenced else quote(name)


def _raw_text(column: Column, fenced: bool) -> str:
    """Return the raw column as the text that a mask on arrays takes, so that both masks are one function."""
    value = _plain(column.name, fenced)
    return value if column.type == "VARCHAR" else f"CAST({value} AS VARCHAR)"


def _visible(column: Column, grant: TableGrant, fenced: bool) -> str:
    """Return what the query sees of *column*, under the column's own name."""
    mask = dict(grant.masks).get(fold(column.name))
    value = _plain(column.name, fenced)
    return f"{value if mask is None else masked(value, mask, column.type)} AS {quote(column.name)}"


def masked(value: str, mask: Mask, native_type: str) -> str:
    """Return the SQL expression that applies *mask* to *value*; it never raises.

    The null mask keeps the native type, so that `sum(revenue)` still binds.
    """
    if mask.function is MaskFunction.NULL:
        return f"CAST(NULL AS {native_type})"
    text = f"CAST({value} AS VARCHAR)"
    if mask.function is MaskFunction.FULL:
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE '***' END"
    if mask.function is MaskFunction.PARTIAL:
        shown = mask.visible_chars
        return (
            f"CASE WHEN {value} IS NULL THEN NULL WHEN length({text}) <= {shown} THEN '***' "
            f"ELSE '***' || right({text}, {shown}) END"
        )
    if mask.key is not None:
        return f"{keyed_hash_function(mask.key)}({text})"
    return f"sha256({text})"


def keyed_hash_function(key: bytes) -> str:
    """Return the name of the engine's function that hashes under *key*; the key never is SQL text."""
    return "__hmac_" + hashlib.sha256(b"function name" + key).hexdigest()[:16]


def filter_predicate(parser: Parser, rule: BoundFilter, locate: Locate) -> Node:
    """Return the tree of a row filter with its values as literals and its tables located."""
    root = only_statement(json.loads(parser.parse_read(f"SELECT 1 FROM t WHERE ({rule.predicate}\n)")))[
        "node"
    ]
    where: Node | None = root.get("where_clause")
    if where is None or root["from_table"]["type"] != "BASE_TABLE" or root.get("modifiers"):
        raise QueryRefused(
            ErrorCode.POLICY_DENIED, "Permission denied", detail=f"bad row filter {rule.source}"
        )
    values = dict(rule.values)
    facts = gather(where)
    for node in facts.tables:
        node["qualified_name"]["path"] = locate(node)
    for node in list(below(where)):
        if node.get("class") == "PARAMETER":
            _bind(node, values, rule)
    return where


def _bind(node: Node, values: dict[str, str], rule: BoundFilter) -> None:
    """Turn a `$name` of a row filter into the literal that the principal's attribute holds."""
    name = node["identifier"]
    if "\0" in values.get(name, "\0"):
        raise QueryRefused(
            ErrorCode.POLICY_DENIED, "Permission denied", detail=f"no {name} for {rule.source}"
        )
    alias = node.get("alias", "")
    node.clear()
    node.update(
        {
            "class": "CONSTANT",
            "type": "VALUE_CONSTANT",
            "alias": alias,
            "query_location": 0,
            "query_location_length": 0,
            "literal": {"kind": "STRING", "text": values[name]},
        }
    )


def conjunction(predicates: list[Node]) -> Node:
    """Return the tree of all *predicates* together."""
    if len(predicates) == 1:
        return predicates[0]
    return {
        "class": "CONJUNCTION",
        "type": "CONJUNCTION_AND",
        "alias": "",
        "query_location": 0,
        "query_location_length": 0,
        "children": predicates,
    }


def check_predicate(parser: Parser, table: TableName, predicate: str) -> str | None:
    """Return what is wrong with a row filter's text, or None; used when policies are loaded."""
    try:
        tree = json.loads(parser.parse_read(f"SELECT 1 FROM t WHERE ({predicate}\n)"))
        root = only_statement(tree)["node"]
    except QueryRefused as refusal:
        return f"row filter of {table}: {refusal.message}"
    if (
        root.get("where_clause") is None
        or root["from_table"]["type"] != "BASE_TABLE"
        or root.get("modifiers")
    ):
        return f"row filter of {table} is not one predicate"
    facts = gather(root["where_clause"])
    if facts.writes or facts.shows or facts.unknown or facts.table_functions:
        return f"row filter of {table} may only use columns, functions and tables"
    return None
