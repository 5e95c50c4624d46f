"""The two ways in which a Snowflake statement is refused: it cannot be read, or it has no faithful form."""

from __future__ import annotations

from flight_server.errors import ErrorCode, QueryRefused


def unsupported(construct: str, instead: str = "") -> QueryRefused:
    """Return the refusal of *construct*, with what to write *instead* where there is something."""
    hint = f"; {instead}" if instead else ""
    return QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {construct} is not supported{hint}")


def wrong(text: str) -> QueryRefused:
    """Return the refusal of a statement that Snowflake would refuse too."""
    return QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {text}")


def unreadable(text: str) -> QueryRefused:
    """Return the refusal of a text that is not Snowflake SQL."""
    first = text.strip().split("\n")[0]
    return QueryRefused(ErrorCode.QUERY_PARSE_ERROR, f"SQL parse error: {first[:1000]}", detail=text[:4000])
