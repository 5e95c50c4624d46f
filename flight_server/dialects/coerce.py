"""Values brought to the type that a Snowflake operator or function would bring them to by itself.

VARIANT is the reason: Snowflake converts it by the context it stands in, and
DuckDB's JSON would be compared and printed as text with its quotes.
"""

from __future__ import annotations

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, cast
from flight_server.dialects.kinds import JSON, NUMBERS, Kind, is_json, kind_of

EXACT_NUMBER = "DECIMAL(38, 12)"


def as_text(node: Node) -> Node:
    """Return *node* as VARCHAR; a JSON string loses its quotes and a JSON null becomes NULL."""
    kind = kind_of(node)
    if kind in JSON:
        return _unquoted(node)
    if kind is Kind.FLOAT:
        return call(
            "regexp_replace",
            cast(node, "VARCHAR", Kind.TEXT),
            build.text(r"\.0$"),
            build.text(""),
            kind=Kind.TEXT,
        )
    if kind is Kind.TIMESTAMP:
        return call("strftime", node, build.text("%Y-%m-%d %H:%M:%S.%g"), kind=Kind.TEXT)
    if kind in (Kind.TEXT, Kind.NULL, Kind.UNKNOWN):
        return node
    return cast(node, "VARCHAR", Kind.TEXT)


def _unquoted(node: Node) -> Node:
    if getattr(node, "this", None) == "json_extract":
        return call("json_extract_string", *node.expressions, kind=Kind.TEXT)
    return call("json_extract_string", node, build.text("$"), kind=Kind.TEXT)


def as_number(node: Node) -> Node:
    """Return *node* as a number where it is text or VARIANT, else unchanged."""
    kind = kind_of(node)
    if kind in JSON:
        return cast(as_text(node), "DOUBLE", Kind.FLOAT)
    if kind is Kind.TEXT:
        return cast(node, "DECIMAL(18, 5)", Kind.DECIMAL)
    return node


def as_integer(node: Node) -> Node:
    """Return *node* as a whole number, rounded as Snowflake rounds."""
    if kind_of(node) is Kind.INTEGER:
        return node
    value = as_number(node)
    rounded = value if kind_of(value) is Kind.UNKNOWN else call("round", value)
    return cast(rounded, "BIGINT", Kind.INTEGER)


def as_boolean(node: Node) -> Node:
    """Return a VARIANT as BOOLEAN, everything else unchanged."""
    return cast(as_text(node), "BOOLEAN", Kind.BOOLEAN) if is_json(node) else node


def as_moment(node: Node) -> Node:
    """Return text and VARIANT as a TIMESTAMP, everything else unchanged."""
    if is_json(node) or kind_of(node) is Kind.TEXT:
        return cast(as_text(node), "TIMESTAMP", Kind.TIMESTAMP)
    return node


def as_variant(node: Node) -> Node:
    """Return *node* as JSON."""
    return node if is_json(node) else call("to_json", node, kind=Kind.VARIANT)


def as_any(node: Node) -> Node:
    """Return *node* unchanged."""
    return node


def like_other(node: Node, other: Kind) -> Node:
    """Return the VARIANT *node* as what it is compared with.

    Exact numbers are compared exactly: the identifier 9007199254740993 is not
    its neighbour, as it would be in DOUBLE.
    """
    value = as_text(node)
    if other is Kind.FLOAT:
        return cast(value, "DOUBLE", Kind.FLOAT)
    if other in NUMBERS:
        return cast(value, EXACT_NUMBER, Kind.DECIMAL)
    if other in (Kind.TEXT, Kind.NULL):
        return value
    if other in _TYPES:
        return cast(value, _TYPES[other], other)
    raise KeyError(other)


_TYPES = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.TIMESTAMP_TZ: "TIMESTAMPTZ",
}
