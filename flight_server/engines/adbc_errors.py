"""What drivers and remote engines say, in the closed set of codes."""

from __future__ import annotations

import re

from flight_server.engines.adbc_link import EngineUnreachableError
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.watcher import Call

_GONE = re.compile(
    r"\((Unavailable|Canceled|DeadlineExceeded|Unauthenticated|Aborted)[;)]|"
    r"connection (refused|reset|closed)|transport error|broken pipe|\bEOF\b|server closed|"
    r"terminating connection|could not (connect|receive|send)|no connection to the server|"
    r"connection to server|worker (is |was |has )?(lost|gone|stopped|not )|lost worker|"
    r"heartbeat|h2 protocol error|\bSSL\b|the database system is",
    re.IGNORECASE,
)
_GONE_STATUSES = frozenset({"IO", "TIMEOUT", "CANCELLED", "UNAUTHENTICATED", "UNAUTHORIZED"})
_SECRET = re.compile(r"://[^\s/@]*@|password=\S+|(bearer|basic)\s+\S+", re.IGNORECASE)
_ECHO = re.compile(r"\n\s*LINE \d+:.*|\s*Query was:.*?(?=\. SQLSTATE|$)", re.DOTALL)
RETRY_SECS = 2.0


def is_gone(error: BaseException) -> bool:
    """Tell whether *error* is the engine's absence and not its opinion of the query."""
    if isinstance(error, EngineUnreachableError):
        return True
    status = getattr(getattr(error, "status_code", None), "name", "")
    return status in _GONE_STATUSES or bool(_GONE.search(str(error)))


def unavailable(engine: str, detail: str) -> QueryRefused:
    """Return the refusal of a query whose engine cannot answer it now."""
    message = f"Service unavailable: the engine '{engine}' does not answer"
    return QueryRefused(
        ErrorCode.SERVICE_UNAVAILABLE, message, detail=_scrubbed(detail), retry_after=RETRY_SECS
    )


def remote_refusal(
    error: BaseException, call: Call | None, hides: bool, engine: str, secret: str
) -> QueryRefused:
    """Return the refusal for what a driver raised.

    Args:
        hides: Whether the caller must not read the engine's text.
        secret: A word that no text may hold.
    """
    if isinstance(error, QueryRefused):
        return error
    text = _scrubbed(str(error))
    if call is not None and call.reason is not None:
        return QueryRefused(call.reason, detail=text)
    if is_gone(error):
        return unavailable(engine, text)
    if hides or (secret and secret in text):
        return QueryRefused(ErrorCode.QUERY_ERROR, "SQL error: the query failed", detail=text)
    return QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {text[:1000]}", detail=text)


def _scrubbed(text: str) -> str:
    """Return *text* without credentials, and without the echo of the query and the values in it."""
    return _SECRET.sub("[..]", _ECHO.sub("", text))
