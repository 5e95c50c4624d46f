"""What passes unchanged: functions of this product, and of the engine under the same name and meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects.build import Node, call
from flight_server.dialects.functions import FunctionRule
from flight_server.dialects.kinds import Kind
from flight_server.dialects.refuse import unsupported

_OF_THE_PRODUCT = {
    "SEMANTIC_MATCH": Kind.BOOLEAN,
    "VECTOR_MATCH": Kind.BOOLEAN,
    "SEMANTIC_RANK": Kind.FLOAT,
    "STORE_MEMORY": Kind.TEXT,
    "LOG_REASONING_STEP": Kind.TEXT,
}


def _same(name: str, kind: Kind) -> FunctionRule:
    return lambda arguments: call(name.lower(), *arguments, kind=kind)


def _no_named_argument(node: Node) -> Node:
    raise unsupported(f"the named argument {node.this.name}")


FUNCTIONS: Mapping[str, FunctionRule] = {
    **{name: _same(name, kind) for name, kind in _OF_THE_PRODUCT.items()},
    "GROUPING": _same("grouping", Kind.INTEGER),
    "GROUPING_ID": _same("grouping_id", Kind.INTEGER),
}
RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {exp.Kwarg: _no_named_argument}
