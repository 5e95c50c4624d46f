"""What one walk over a tree finds: tables, functions, parameters, and shape.

The walk knows the scopes of common table expressions. Both mistakes it could
make are safe: a table taken for an expression's name resolves to nothing in
the empty default catalog, and the other way round it is authorised like a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node

READ_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
WRITE_NODES = frozenset({"INSERT_QUERY_NODE", "UPDATE_QUERY_NODE", "DELETE_QUERY_NODE", "COPY_QUERY_NODE"})
TABLE_NODES = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF"}
)
EXPRESSIONS = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "DEFAULT",
        "FUNCTION",
        "LAMBDA",
        "LAMBDA_REF",
        "OPERATOR",
        "PARAMETER",
        "POSITIONAL_REFERENCE",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    }
)


@dataclass(slots=True)
class Facts:
    """What a tree holds; the nodes are the tree's own, so that a rewrite can change them.

    Attributes:
        tables: The base-table nodes that are not names of common table expressions.
        functions: Folded names of the scalar, aggregate and window functions.
        table_functions: The table-function nodes; `called_as_table` holds the ids of their calls.
        parameters: Identifiers of the parameters, in order of the walk.
        columns: The column-reference nodes.
        samples: What picks rows by chance.
        unknown: Node types that this version of the walk does not know; nobody but the
            administrators gets past one.
    """

    tables: list[Node] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    function_nodes: list[Node] = field(default_factory=list)
    table_functions: list[Node] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    columns: list[Node] = field(default_factory=list)
    stars: list[Node] = field(default_factory=list)
    selects: list[Node] = field(default_factory=list)
    writes: list[Node] = field(default_factory=list)
    shows: list[Node] = field(default_factory=list)
    samples: list[Node] = field(default_factory=list)
    called_as_table: set[int] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def gather(root: Node) -> Facts:
    """Walk the whole tree below *root*, without recursion, and return what it holds."""
    facts = Facts()
    stack: list[tuple[object, frozenset[str]]] = [(root, frozenset())]
    while stack:
        item, scope = stack.pop()
        if isinstance(item, list):
            stack.extend((child, scope) for child in reversed(item))
        elif isinstance(item, dict):
            scope, expressions = _enter(item, scope)
            _note(item, scope, facts)
            if item.get("type") == "RECURSIVE_CTE_NODE":
                scope = scope | {fold(item["cte_name"])}
            stack.extend((item[key], scope) for key in reversed(item) if key != "cte_map")
            stack.extend(reversed(expressions))
    return facts


def _enter(node: Node, scope: frozenset[str]) -> tuple[frozenset[str], list[tuple[object, frozenset[str]]]]:
    """Return the names in sight below *node*, and its common table expressions with what they can see."""
    expressions: list[tuple[object, frozenset[str]]] = []
    for entry in (node.get("cte_map") or {}).get("map", []):
        expressions.append((entry["value"], scope))
        scope = scope | {fold(entry["key"])}
    return scope, expressions


def _note(node: Node, scope: frozenset[str], facts: Facts) -> None:
    """Write down what *node* itself is."""
    if node.get("sample"):
        facts.samples.append(node["sample"])
    kind = node.get("type")
    if not isinstance(kind, str):
        return
    if "class" in node:
        _note_expression(node, facts)
    elif kind in WRITE_NODES:
        facts.writes.append(node)
    elif kind in READ_NODES:
        if kind == "SELECT_NODE":
            facts.selects.append(node)
    elif kind == "BASE_TABLE":
        path = node["qualified_name"]["path"]
        if len(path) > 1 or fold(path[0]) not in scope:
            facts.tables.append(node)
    elif kind == "TABLE_FUNCTION":
        facts.table_functions.append(node)
        facts.called_as_table.add(id(node["function"]))
    elif kind == "SHOW_REF":
        facts.shows.append(node)
    elif kind.endswith("_NODE") or ("alias" in node and kind not in TABLE_NODES):
        facts.unknown.add(kind)


def _note_expression(node: Node, facts: Facts) -> None:
    """Write down what the expression *node* itself is."""
    kind = node["class"]
    if kind in ("FUNCTION", "WINDOW") and id(node) not in facts.called_as_table:
        facts.functions.add(fold(node["function_name"]))
        facts.function_nodes.append(node)
    elif kind == "PARAMETER":
        facts.parameters.append(node["identifier"])
    elif kind == "COLUMN_REF":
        facts.columns.append(node)
    elif kind == "STAR":
        facts.stars.append(node)
    elif kind not in EXPRESSIONS:
        facts.unknown.add(kind)


def arguments(function: Node) -> list[Node]:
    """Return the argument expressions of a function node."""
    return [argument["expression"] for argument in function.get("arguments", [])]


def below(node: object) -> Iterator[Node]:
    """Yield every dictionary node at or below *node*."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
