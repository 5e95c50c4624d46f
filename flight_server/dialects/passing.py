"""What passes unchanged: functions of this product, and of the engine under the same name and meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from flight_server.dialects.build import Node, call, cast, null
from flight_server.dialects.functions import FunctionRule, expect
from flight_server.dialects.kinds import Kind
from flight_server.dialects.refuse import unsupported

_CALLER = "current_agent_id"
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


def _about(name: str) -> FunctionRule:
    """Return the rule of a function without arguments that tells about the caller or its session."""

    def rule(arguments: Sequence[Node]) -> Node:
        expect(name, arguments, 0, 0)
        return call(name, kind=Kind.TEXT)

    return rule


def _no_warehouse(arguments: Sequence[Node]) -> Node:
    """Return NULL, as Snowflake does where no warehouse is in use."""
    expect("CURRENT_WAREHOUSE", arguments, 0, 0)
    return cast(null(), "VARCHAR", Kind.TEXT)


def _caller(_: Node) -> Node:
    return call(_CALLER, kind=Kind.TEXT)


FUNCTIONS: Mapping[str, FunctionRule] = {
    **{name: _same(name, kind) for name, kind in _OF_THE_PRODUCT.items()},
    "CURRENT_AGENT_ID": _about(_CALLER),
    "CURRENT_DATABASE": _about("current_database"),
    "CURRENT_SCHEMA": _about("current_schema"),
    "CURRENT_WAREHOUSE": _no_warehouse,
    "CURRENT_USER": _about(_CALLER),
    "GROUPING": _same("grouping", Kind.INTEGER),
    "GROUPING_ID": _same("grouping_id", Kind.INTEGER),
}
RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    exp.Kwarg: _no_named_argument,
    exp.CurrentUser: _caller,
}
