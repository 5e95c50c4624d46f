"""What is known of an expression's type, in the coarse kinds that Snowflake's rules look at.

A kind is remembered at the node itself. UNKNOWN is always a safe answer: a rule
that needs the type then writes SQL that asks the engine, or is refused.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from sqlglot import exp

N = TypeVar("N", bound=exp.Expr)


class Kind(StrEnum):
    """A coarse type; VARIANT, ARRAY and OBJECT are JSON in DuckDB."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMP_TZ = "timestamp_tz"
    INTERVAL = "interval"
    BINARY = "binary"
    VARIANT = "variant"
    ARRAY = "array"
    OBJECT = "object"
    NESTED = "nested"
    NULL = "null"
    UNKNOWN = "unknown"


EXACT = frozenset({Kind.INTEGER, Kind.DECIMAL})
NUMBERS = EXACT | {Kind.FLOAT}
JSON = frozenset({Kind.VARIANT, Kind.ARRAY, Kind.OBJECT})
MOMENTS = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_TZ})

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER")
_BY_DUCKDB_NAME = {
    **dict.fromkeys((*_INTEGERS, "UBIGINT", "UHUGEINT", "BIGNUM"), Kind.INTEGER),
    "DECIMAL": Kind.DECIMAL,
    "DOUBLE": Kind.FLOAT,
    "FLOAT": Kind.FLOAT,
    "VARCHAR": Kind.TEXT,
    "UUID": Kind.TEXT,
    "BOOLEAN": Kind.BOOLEAN,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP_S": Kind.TIMESTAMP,
    "TIMESTAMP_MS": Kind.TIMESTAMP,
    "TIMESTAMP_NS": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMP_TZ,
    "INTERVAL": Kind.INTERVAL,
    "BLOB": Kind.BINARY,
    "JSON": Kind.VARIANT,
    "VARIANT": Kind.NESTED,
    "STRUCT": Kind.NESTED,
    "MAP": Kind.NESTED,
    "UNION": Kind.NESTED,
}
_BARE_NAME = re.compile(r"[A-Za-z_ ]+[A-Za-z_]")


def of_duckdb(type_name: str) -> Kind:
    """Return the kind of a type as DuckDB writes it, such as `DECIMAL(18,2)` or `STRUCT(a INTEGER)[]`."""
    if type_name.endswith("]"):
        return Kind.NESTED
    match = _BARE_NAME.match(type_name)
    return _BY_DUCKDB_NAME.get(match.group() if match else "", Kind.UNKNOWN)


def typed(node: N, kind: Kind) -> N:
    """Remember that *node* is of *kind*, and return it."""
    node.meta["kind"] = kind
    return node


def kind_of(node: exp.Expr | None) -> Kind:
    """Return what is known of the type of *node*."""
    if node is None:
        return Kind.UNKNOWN
    found = node.meta.get("kind")
    return found if isinstance(found, Kind) else _literal_kind(node)


def _literal_kind(node: exp.Expr) -> Kind:
    if isinstance(node, exp.Literal):
        return Kind.TEXT if node.is_string else _number_kind(node.name)
    if isinstance(node, exp.Boolean):
        return Kind.BOOLEAN
    if isinstance(node, exp.Null):
        return Kind.NULL
    return Kind.UNKNOWN


def _number_kind(digits: str) -> Kind:
    if "e" in digits.lower():
        return Kind.FLOAT
    return Kind.DECIMAL if "." in digits else Kind.INTEGER


def is_json(node: exp.Expr | None) -> bool:
    """Tell whether *node* is known to be semi-structured."""
    return kind_of(node) in JSON


def common(*nodes: exp.Expr | None) -> Kind:
    """Return the kind of a value that comes from any one of *nodes*, as in CASE or COALESCE."""
    kinds = {kind_of(node) for node in nodes if node is not None} - {Kind.NULL}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds & JSON:
        return Kind.VARIANT
    if kinds and kinds <= NUMBERS:
        return Kind.FLOAT if Kind.FLOAT in kinds else Kind.DECIMAL
    return Kind.NULL if not kinds else Kind.UNKNOWN
