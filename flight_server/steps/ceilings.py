"""What no query may exceed, checked before anything else looks at it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Query

_INT_END = 1 << 127
"""The first whole number that HUGEINT cannot hold; DuckDB would take it for a negative one."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What no query may exceed."""

    default_timeout_ms: int
    longest_timeout_ms: int
    longest_sql_bytes: int


def check_ceilings(query: Query, ceilings: Ceilings) -> None:
    """Refuse a query that is too long, or that no engine can take.

    Raises:
        QueryRefused: INVALID_REQUEST.
    """
    if len(query.sql.encode("utf-8", "surrogatepass")) > ceilings.longest_sql_bytes:
        raise invalid(f"the SQL text is longer than {ceilings.longest_sql_bytes} bytes")
    if "\0" in query.sql:
        raise invalid("the SQL text holds a NUL character")
    if any(map(_is_no_unicode, (query.sql, *query.parameters))):
        raise invalid("a text is not valid Unicode")
    if any(isinstance(value, int) and not -_INT_END <= value < _INT_END for value in query.parameters):
        raise invalid("whole numbers have at most 128 bits")
    if not query.sql.strip():
        raise invalid("the SQL text is empty")
    if query.timeout_ms is not None and not 0 < query.timeout_ms <= ceilings.longest_timeout_ms:
        raise invalid(f"timeout_ms must be between 1 and {ceilings.longest_timeout_ms}")


def invalid(what: str) -> QueryRefused:
    """Return the refusal of a request that says *what* wrong."""
    return QueryRefused(ErrorCode.INVALID_REQUEST, f"Invalid request: {what}")


def _is_no_unicode(value: object) -> bool:
    """Tell whether *value* is a text with half a surrogate pair in it, as JSON can spell one."""
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)
