"""Places that want a truth value: AND, OR, NOT, WHERE and the conditions of CASE."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.coerce import as_boolean
from flight_server.dialects.kinds import Kind, kind_of, typed


def _both(node: Node) -> Node:
    node.set("this", as_boolean(node.this))
    node.set("expression", as_boolean(node.expression))
    return typed(node, Kind.BOOLEAN)


def _one(node: Node) -> Node:
    node.set("this", as_boolean(node.this))
    return typed(node, Kind.BOOLEAN)


def _paren(node: Node) -> Node:
    return typed(node, kind_of(node.this))


def _boolean(node: Node) -> Node:
    return typed(node, Kind.BOOLEAN)


def _alias(node: Node) -> Node:
    return typed(node, kind_of(node.this))


RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    exp.And: _both,
    exp.Or: _both,
    **dict.fromkeys((exp.Not, exp.Where, exp.Having, exp.Qualify), _one),
    exp.Paren: _paren,
    exp.Alias: _alias,
    **dict.fromkeys((exp.Is, exp.Exists), _boolean),
}
