"""Bodies that no query can be made of, and the code that each must give on every path."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad body.

    Attributes:
        codes: Any of these is right; where HTTP has a code of its own, both stand here.
        http_only: There is no such thing over Flight (an empty ticket is not an empty body).
    """

    name: str
    body: bytes
    codes: tuple[str, ...] = ("INVALID_REQUEST",)
    http_only: bool = False


def _json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def _select(**fields: Any) -> bytes:
    return _json(sql="SELECT 1 AS a", **fields)


BAD_BODIES = (
    Bad("no body", b""),
    Bad("white space", b"  \n"),
    Bad("not JSON", b"{sql: SELECT 1}"),
    Bad("half of a JSON object", b'{"sql": "SELECT 1"'),
    Bad("a JSON array", b"[]", http_only=True),
    Bad("a JSON string", b'"SELECT 1"', http_only=True),
    Bad("a JSON null", b"null", http_only=True),
    Bad("a JSON number", b"42", http_only=True),
    Bad("sql missing", b"{}"),
    Bad("sql missing, others there", _json(parameters=[1])),
    Bad("sql null", _json(sql=None)),
    Bad("sql a number", _json(sql=42)),
    Bad("sql a list", _json(sql=["SELECT 1"])),
    Bad("sql empty", _json(sql="")),
    Bad("sql blank", _json(sql=" \n\t ")),
    Bad("sql a comment", _json(sql="-- nothing"), ("INVALID_REQUEST", "QUERY_PARSE_ERROR")),
    Bad("sql a semicolon", _json(sql=";"), ("INVALID_REQUEST", "QUERY_PARSE_ERROR")),
    Bad("unknown field", _select(limit=5)),
    Bad("field in capitals", _json(SQL="SELECT 1")),
    Bad("a field twice", b'{"sql": "SELECT 1", "sql": "SELECT 2"}'),
    Bad("parameters an object", _select(parameters={"a": 1})),
    Bad("parameters a string", _select(parameters="1")),
    Bad("parameter an object", _json(sql="SELECT $1 AS a", parameters=[{"a": 1}])),
    Bad("parameter a list", _json(sql="SELECT $1 AS a", parameters=[[1]])),
    Bad("parameter NaN", b'{"sql": "SELECT $1 AS a", "parameters": [NaN]}'),
    Bad("parameter too large", _json(sql="SELECT $1 AS a", parameters=[10**60])),
    Bad("too few parameters", _json(sql="SELECT $1 AS a, $2 AS b", parameters=[1])),
    Bad("no parameters", _json(sql="SELECT ? AS a")),
    Bad("too many parameters", _json(sql="SELECT $1 AS a", parameters=[1, 2])),
    Bad("parameters for none", _select(parameters=[1])),
    Bad("timeout negative", _select(timeout_ms=-1)),
    Bad("timeout zero", _select(timeout_ms=0)),
    Bad("timeout huge", _select(timeout_ms=10**12)),
    Bad("timeout beyond 64 bits", _select(timeout_ms=10**30)),
    Bad("timeout a text", _select(timeout_ms="30000")),
    Bad("timeout a fraction", _select(timeout_ms=1.5)),
    Bad("timeout a boolean", _select(timeout_ms=True)),
    Bad("dialect unknown", _select(dialect="oracle")),
    Bad("dialect a number", _select(dialect=1)),
    Bad("invalid UTF-8", b'{"sql": "SELECT \'\xff\xfe\'"}'),
    Bad("half a surrogate pair", b'{"sql": "SELECT \'\\ud800\'"}'),
    Bad("a NUL byte", b'{"sql": "SELECT \\u00001"}', ("INVALID_REQUEST", "QUERY_PARSE_ERROR")),
    Bad(
        "2 MB of SQL", _json(sql="SELECT '" + "x" * 2_000_000 + "'"), ("INVALID_REQUEST", "REQUEST_TOO_LARGE")
    ),
    Bad("deep JSON", b'{"sql": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    Bad(
        "10,000 parentheses",
        _json(sql="SELECT " + "(" * 10_000 + "1" + ")" * 10_000),
        ("QUERY_PARSE_ERROR", "QUERY_ERROR", "INVALID_REQUEST"),
    ),
    Bad(
        "10,000 minus signs",
        _json(sql="SELECT " + "- " * 10_000 + "1"),
        ("QUERY_PARSE_ERROR", "QUERY_ERROR", "INVALID_REQUEST"),
    ),
    Bad("several statements", _json(sql="SELECT 1; SELECT 2"), ("INVALID_REQUEST", "QUERY_PARSE_ERROR")),
    Bad("a syntax error", _json(sql="SELEC 1"), ("QUERY_PARSE_ERROR",)),
    Bad("an open quote", _json(sql="SELECT 'a"), ("QUERY_PARSE_ERROR",)),
    Bad("unknown column", _json(sql="SELECT nosuch FROM items"), ("QUERY_ERROR",)),
    Bad("unknown table", _json(sql="SELECT * FROM nosuch"), ("QUERY_ERROR", "POLICY_DENIED")),
    Bad("unknown function", _json(sql="SELECT nosuch(1)"), ("QUERY_ERROR", "POLICY_DENIED")),
    Bad("failed cast", _json(sql="SELECT CAST(name AS INTEGER) FROM items"), ("QUERY_ERROR",)),
    Bad(
        "more memory than allowed",
        _json(sql="SELECT list(i::VARCHAR || 'xxxxxxxxxxxxxxxx') AS l FROM range(40000000) t(i)"),
        ("QUERY_ERROR", "SERVICE_UNAVAILABLE"),
    ),
)
