"""Small constructors for nodes of the DuckDB statement that is being written.

A function call made here is marked as DuckDB's own; what is still unmarked at
the end is a Snowflake function that no family knows, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from sqlglot import exp

from flight_server.dialects.kinds import Kind, kind_of, typed
from flight_server.dialects.refuse import unsupported

__all__ = [
    "Node",
    "aggregate",
    "all_of",
    "any_of",
    "binary",
    "call",
    "case",
    "cast",
    "each",
    "equals",
    "failing",
    "integer",
    "is_not_null",
    "is_null",
    "is_ours",
    "leave_to_inner",
    "literal_integer",
    "literal_text",
    "local",
    "null",
    "raw",
    "refused_by_type",
    "text",
    "typed",
    "windowed",
    "wrap",
]

Node: TypeAlias = exp.Expr
"""A node of sqlglot's tree."""

_ATOMS = (
    exp.Anonymous,
    exp.Boolean,
    exp.Case,
    exp.Cast,
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Null,
    exp.Paren,
    exp.Parameter,
    exp.Placeholder,
    exp.Subquery,
)
_OURS = "duckdb"
_WINDOWED = "windowed"


def call(name: str, *arguments: Node, kind: Kind = Kind.UNKNOWN) -> exp.Anonymous:
    """Return a call of DuckDB's function *name*; the arguments are copied."""
    node = exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])
    node.meta[_OURS] = True
    typed(node, kind)
    return node


def aggregate(name: str, *arguments: Node, kind: Kind = Kind.UNKNOWN) -> exp.Anonymous:
    """Return a call to which an OVER clause around the whole expression belongs."""
    node = call(name, *arguments, kind=kind)
    node.meta[_WINDOWED] = True
    return node


def is_ours(node: exp.Anonymous) -> bool:
    """Tell whether a call is one of DuckDB's, written by a rule."""
    return bool(node.meta.get(_OURS))


def windowed(node: Node) -> Iterator[exp.Anonymous]:
    """Yield the aggregate calls inside *node* that an OVER clause belongs to."""
    found: Iterator[exp.Anonymous] = node.find_all(exp.Anonymous)
    return (call for call in found if call.meta.get(_WINDOWED))


def leave_to_inner(argument: Node) -> None:
    """Keep an OVER clause off the aggregates inside an argument: it belongs to the call around them."""
    for found in list(windowed(argument)):
        found.meta.pop(_WINDOWED)


def text(value: str) -> Node:
    """Return a string literal."""
    return typed(exp.Literal.string(value), Kind.TEXT)


def integer(value: int) -> Node:
    """Return an integer literal."""
    node: Node = exp.Literal.number(abs(value))
    return typed(exp.Neg(this=node) if value < 0 else node, Kind.INTEGER)


def raw(sql: str, kind: Kind = Kind.UNKNOWN) -> Node:
    """Return a fixed piece of DuckDB SQL that holds nothing of the caller's."""
    return typed(exp.Var(this=sql), kind)


def local(name: str) -> Node:
    """Return the parameter *name* of a lambda of ours, which no column of the caller's is called like."""
    return raw(f'"${name}"')


def each(body: Node, *names: str) -> exp.Lambda:
    """Return DuckDB's `lambda names: body`; in *body* the names are `local`."""
    return exp.Lambda(this=body, expressions=[exp.to_identifier(f"${name}", quoted=True) for name in names])


def refused_by_type(construct: str, *arguments: Node, instead: str = "") -> Node:
    """Refuse what the type of an argument rules out, without telling the types of a closed table.

    A column's type is known before the right to its table is checked. The refusal is then left to
    the check of functions, which comes after it: no function has this name.
    """
    if not any(argument.find(exp.Column) for argument in arguments):
        raise unsupported(construct, instead)
    return call(f'"{construct} is not supported"', *arguments)


def null() -> Node:
    """Return NULL."""
    return typed(exp.Null(), Kind.NULL)


def wrap(node: Node) -> Node:
    """Return a copy of *node*, in parentheses unless it needs none as an operand."""
    copied = node.copy()
    if isinstance(copied, _ATOMS):
        return copied
    return typed(exp.Paren(this=copied), kind_of(node))


def binary(operator: type[exp.Binary], left: Node, right: Node, kind: Kind = Kind.UNKNOWN) -> Node:
    """Return `(left operator right)`, safe to put anywhere."""
    return typed(exp.Paren(this=operator(this=wrap(left), expression=wrap(right))), kind)


def cast(node: Node, sql_type: str, kind: Kind, safe: bool = False) -> Node:
    """Return *node* as the DuckDB type *sql_type*; None instead of an error where *safe*."""
    made = exp.TryCast if safe else exp.Cast
    return typed(made(this=node.copy(), to=exp.DataType.build(sql_type, dialect="duckdb")), kind)


def case(
    branches: Iterable[tuple[Node, Node]], default: Node | None = None, kind: Kind = Kind.UNKNOWN
) -> Node:
    """Return a CASE expression of conditions and values."""
    ifs = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in branches]
    return typed(exp.Case(ifs=ifs, default=default.copy() if default is not None else None), kind)


def equals(left: Node, right: Node) -> Node:
    """Return `left = right`."""
    return binary(exp.EQ, left, right, Kind.BOOLEAN)


def is_null(node: Node) -> Node:
    """Return `node IS NULL`."""
    return typed(exp.Paren(this=exp.Is(this=wrap(node), expression=exp.Null())), Kind.BOOLEAN)


def is_not_null(node: Node) -> Node:
    """Return `node IS NOT NULL`."""
    return typed(exp.Not(this=is_null(node)), Kind.BOOLEAN)


def any_of(conditions: Iterable[Node]) -> Node:
    """Return the conditions joined with OR, in parentheses."""
    return typed(exp.Paren(this=exp.or_(*conditions, copy=False)), Kind.BOOLEAN)


def all_of(conditions: Iterable[Node]) -> Node:
    """Return the conditions joined with AND, in parentheses."""
    return typed(exp.Paren(this=exp.and_(*conditions, copy=False)), Kind.BOOLEAN)


def failing(message: str) -> Node:
    """Return an expression that fails with *message* in the engine's text when it is evaluated."""
    return cast(text(message), "TINYINT", Kind.INTEGER)


def literal_text(node: Node | None) -> str | None:
    """Return the value of a string literal, None for everything else."""
    return node.name if isinstance(node, exp.Literal) and node.is_string else None


def literal_integer(node: Node | None) -> int | None:
    """Return the value of an integer literal, None for everything else."""
    if isinstance(node, exp.Neg):
        value = literal_integer(node.this)
        return None if value is None else -value
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        return int(node.name)
    return None
