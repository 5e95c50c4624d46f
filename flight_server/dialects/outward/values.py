"""The values of a query's parameters as literals of the tree; nothing is pasted as text."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal

from sqlglot import exp

from flight_server.dialects.outward.targets import Target, unfaithful
from flight_server.model import Scalar


def bind(tree: exp.Expr, values: Sequence[Scalar], target: Target) -> None:
    """Put the literal of its value in the place of every parameter of *tree*."""
    for node in list(tree.find_all(exp.Placeholder, exp.Parameter)):
        number = str(node.this) if isinstance(node, exp.Placeholder) else node.name
        if not number.isdigit() or not 1 <= int(number) <= len(values):
            raise unfaithful("this parameter", target)
        node.replace(literal(values[int(number) - 1], target))


def literal(value: Scalar, target: Target) -> exp.Expr:
    """Return the literal of *value*, typed as DuckDB would bind it."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int):
        return _number(str(abs(value)), value < 0)
    if isinstance(value, Decimal) and value.is_finite():
        return _number(f"{abs(value):f}", value < 0)
    if isinstance(value, float) and math.isfinite(value):
        return exp.cast(exp.Literal.string(repr(value)), "DOUBLE", dialect="duckdb")
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, dt.datetime):
        naive = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        return exp.cast(exp.Literal.string(str(naive)), "TIMESTAMP", dialect="duckdb")
    if isinstance(value, dt.date):
        return exp.cast(exp.Literal.string(str(value)), "DATE", dialect="duckdb")
    raise unfaithful(f"a parameter of type {type(value).__name__}", target)


def _number(digits: str, negative: bool) -> exp.Expr:
    number = exp.Literal.number(digits)
    return exp.Paren(this=exp.Neg(this=number)) if negative else number
