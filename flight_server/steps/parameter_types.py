"""Guesses the SQL type of every parameter, for clients that must know before they bind (JDBC). Pure.

A guess is never more than advice: values of other types are bound all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from flight_server.model import Action, Grant, Kind, Statement, TableName
from flight_server.semantic.names import STORES
from flight_server.stores.catalog import CatalogSnapshot, Table
from flight_server.syntax.facts import below
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node, only_statement, write_body

UNKNOWN = "VARCHAR"
_SIMPLE = frozenset(
    {
        *(
            "BOOLEAN",
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "HUGEINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
        ),
        *("UBIGINT", "FLOAT", "DOUBLE", "VARCHAR", "BLOB", "DATE", "TIME", "TIMESTAMP", "UUID", "INTERVAL"),
        "TIMESTAMP WITH TIME ZONE",
    }
)
_SPELLED = {
    "INT": "INTEGER",
    "LONG": "BIGINT",
    "STRING": "VARCHAR",
    "TEXT": "VARCHAR",
    "REAL": "FLOAT",
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
    "BOOL": "BOOLEAN",
    "NUMERIC": "DECIMAL",
}
_TEXT_OPERATORS = frozenset({"~~", "!~~", "~~*", "!~~*", "||", "like_escape", "regexp_matches"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "//"})

TypeOf = Callable[[Node], str]


def parameter_types(statement: Statement, grant: Grant, catalog: CatalogSnapshot) -> tuple[str, ...]:
    """Return the SQL type of every parameter; text where nothing tells."""
    if not statement.parameters or not statement.tree or statement.verb == STORES:
        return (UNKNOWN,) * statement.parameters
    tree: Node = json.loads(statement.tree)
    root = write_body(tree) if statement.kind is Kind.WRITE else only_statement(tree)["node"]
    columns = _columns(statement, grant, catalog)
    found: dict[int, str] = {}
    for node, kind in (*_targets(root, statement, catalog), *_neighbours(root, columns)):
        if node.get("class") == "PARAMETER" and kind:
            found.setdefault(int(node["identifier"]), kind)
    return tuple(found.get(number, UNKNOWN) for number in range(1, statement.parameters + 1))


def _columns(statement: Statement, grant: Grant, catalog: CatalogSnapshot) -> Mapping[str, str]:
    """Return the type of every column of the statement's tables by folded name; a masked one is text."""
    types: dict[str, str] = {}
    for name in statement.tables:
        table = catalog.tables.get(name)
        granted = grant.tables.get(name)
        masked = dict(granted.masks) if granted else {}
        for column in table.columns if table else ():
            folded = fold(column.name)
            types.setdefault(folded, UNKNOWN if folded in masked else column.type)
    return types


def _targets(root: Node, statement: Statement, catalog: CatalogSnapshot) -> Iterator[tuple[Node, str]]:
    """Yield the values that a write puts into columns, each with its column's type."""
    target = next((name for action, name in statement.accesses if action is not Action.SELECT), None)
    table = catalog.tables.get(target) if isinstance(target, TableName) else None
    if table is None:
        return
    if root["type"] == "INSERT_QUERY_NODE":
        types = _target_types(root, table)
        for row in _rows(root):
            yield from zip(row, types, strict=False)
    sets = root.get("set_info") or {}
    for name, value in zip(sets.get("columns", ()), sets.get("expressions", ()), strict=False):
        column = table.column(name)
        yield value, column.type if column else ""


def _target_types(root: Node, table: Table) -> list[str]:
    names = root["columns"] or [column.name for column in table.columns]
    columns = [table.column(name) for name in names]
    return [column.type if column else "" for column in columns]


def _rows(root: Node) -> list[list[Node]]:
    """Return the rows of values of an INSERT, or the outputs of its query."""
    select = (root.get("select_statement") or {}).get("node") or {}
    source = select.get("from_table") or {}
    if source.get("type") == "EXPRESSION_LIST":
        rows: list[list[Node]] = source["values"]
        return rows
    return [select.get("select_list") or []] if root["column_order"] == "INSERT_BY_POSITION" else []


def _neighbours(root: Node, columns: Mapping[str, str]) -> Iterator[tuple[Node, str]]:
    """Yield the expressions whose type what stands beside or around them tells."""

    def type_of(node: Node) -> str:
        return _type_of(node, columns)

    for node in below(root):
        if node.get("class") == "CAST":
            yield node["child"], _cast_type(node.get("type_expr") or {})
        elif node.get("class") == "COMPARISON":
            yield from _alike([node["left"], node["right"]], type_of)
        elif node.get("class") == "BETWEEN":
            yield from _alike([node["input"], node["lower"], node["upper"]], type_of)
        elif node.get("type") in ("COMPARE_IN", "COMPARE_NOT_IN"):
            yield from _alike(node["children"], type_of)
        elif node.get("class") == "FUNCTION":
            yield from _arguments(node, type_of)
        elif node.get("type") == "LIMIT_MODIFIER":
            yield from ((node[key], "BIGINT") for key in ("limit", "offset") if node.get(key))


def _arguments(node: Node, type_of: TypeOf) -> Iterator[tuple[Node, str]]:
    arguments = [argument["expression"] for argument in node["arguments"]]
    if node["function_name"] in _TEXT_OPERATORS:
        yield from ((argument, UNKNOWN) for argument in arguments)
    elif node["function_name"] in _ARITHMETIC:
        yield from _alike(arguments, type_of)


def _alike(nodes: list[Node], type_of: TypeOf) -> Iterator[tuple[Node, str]]:
    """Yield *nodes* with the first type that any of them tells."""
    kind = next(filter(None, map(type_of, nodes)), "")
    for node in nodes:
        yield node, kind


def _type_of(node: Node, columns: Mapping[str, str]) -> str:
    if node.get("class") == "COLUMN_REF":
        return columns.get(fold(node["column_names"][-1]), "")
    if node.get("class") == "CAST":
        return _cast_type(node.get("type_expr") or {})
    literal = node.get("literal") or {}
    return {"INTEGER": "BIGINT", "STRING": "VARCHAR", "DECIMAL": "DOUBLE"}.get(str(literal.get("kind")), "")


def _cast_type(node: Node) -> str:
    """Return the SQL text of a simple type; nested ones are left to be guessed as text."""
    name = str(node.get("type_name", "")).upper()
    name = _SPELLED.get(name, name)
    if name in _SIMPLE:
        return name
    sizes = [str((child.get("literal") or {}).get("text", "")) for child in node.get("children", ())]
    if name == "DECIMAL" and all(size.isdigit() for size in sizes):
        return f"DECIMAL({', '.join(sizes)})" if sizes else "DECIMAL(18, 3)"
    return ""
