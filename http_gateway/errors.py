"""The one table from error code to HTTP status, and the two profiles of an error body.

Document 003 rules on the main port and document 002 on the MCP port; their error
bodies differ, the codes and the statuses do not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final


class Code(StrEnum):
    """The codes of the contract (design, section 3), then those that only HTTP has."""

    QUERY_PARSE_ERROR = "QUERY_PARSE_ERROR"
    INVALID_REQUEST = "INVALID_REQUEST"
    QUERY_ERROR = "QUERY_ERROR"
    UNAUTHORIZED = "UNAUTHORIZED"
    POLICY_DENIED = "POLICY_DENIED"
    QUERY_TIMEOUT = "QUERY_TIMEOUT"
    QUERY_CANCELLED = "QUERY_CANCELLED"
    RESULT_TOO_LARGE = "RESULT_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"


HTTP_ONLY: Final = frozenset(
    {
        Code.NOT_FOUND,
        Code.METHOD_NOT_ALLOWED,
        Code.NOT_ACCEPTABLE,
        Code.REQUEST_TOO_LARGE,
        Code.UNSUPPORTED_MEDIA_TYPE,
    }
)
"""Codes that no Flight call can have."""


class Profile(Enum):
    """Which of the two documents rules on a port."""

    API = "003_arrow-query-api"
    NATIVE = "002_arrow-native-queries"


@dataclass(frozen=True, slots=True)
class Wire:
    """How one code looks over HTTP.

    Attributes:
        status: The HTTP status.
        text: What the main port says: the whole text, or with `detailed` what goes before the message.
        detailed: Whether the message of the refusal is told to callers of the main port.
    """

    status: int
    text: str
    detailed: bool = False


TABLE: Final[Mapping[Code, Wire]] = {
    Code.QUERY_PARSE_ERROR: Wire(400, "SQL parse error", detailed=True),
    Code.INVALID_REQUEST: Wire(400, "Invalid request", detailed=True),
    Code.QUERY_ERROR: Wire(400, "SQL error", detailed=True),
    Code.UNAUTHORIZED: Wire(401, "Invalid API key"),
    Code.POLICY_DENIED: Wire(403, "Permission denied"),
    Code.QUERY_TIMEOUT: Wire(408, "Query timeout"),
    Code.QUERY_CANCELLED: Wire(499, "Query cancelled"),
    Code.RESULT_TOO_LARGE: Wire(413, "Result too large", detailed=True),
    Code.RATE_LIMITED: Wire(429, "Rate limit exceeded"),
    Code.QUOTA_EXCEEDED: Wire(429, "Quota exceeded"),
    Code.INTERNAL_ERROR: Wire(500, "Internal server error"),
    Code.SERVICE_UNAVAILABLE: Wire(503, "Service unavailable"),
    Code.NOT_FOUND: Wire(404, "Not found", detailed=True),
    Code.METHOD_NOT_ALLOWED: Wire(405, "Method not allowed", detailed=True),
    Code.NOT_ACCEPTABLE: Wire(406, "Not acceptable", detailed=True),
    Code.REQUEST_TOO_LARGE: Wire(413, "Request too large", detailed=True),
    Code.UNSUPPORTED_MEDIA_TYPE: Wire(415, "Unsupported media type", detailed=True),
}


class Refused(Exception):
    """A request that gets no result, with a code and a message fit for the caller.

    Args:
        code: What the caller's program acts on.
        message: What the caller reads; empty means the fixed text of the code.
        retry_after: Seconds after which the same request may succeed.
        rate_limit: Limit, remaining and reset (epoch seconds), for 429.
        may_have_run: Whether the statement may have been carried out: then nobody is told to come again.
        status: Another status than the table's, for what the HTTP parser refuses.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        code: Code,
        message: str = "",
        *,
        retry_after: float | None = None,
        rate_limit: tuple[int, int, int] | None = None,
        may_have_run: bool = False,
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.code = code
        self.message = message or TABLE[code].text
        self.retry_after = retry_after
        self.rate_limit = rate_limit
        self.may_have_run = may_have_run
        self.status = status or TABLE[code].status
        self.headers = headers
        super().__init__(f"[{code}] {self.message}")


def error_body(refused: Refused, profile: Profile, query_id: str) -> dict[str, str]:
    """Return the JSON object that a caller of a port with *profile* reads."""
    if profile is Profile.NATIVE:
        return {"error": refused.code, "message": refused.message, "query_id": query_id}
    return {"error": _main_port_text(refused), "code": refused.code, "query_id": query_id}


def error_headers(refused: Refused) -> list[tuple[str, str]]:
    """Return the headers that go with the refusal, without those of the body."""
    headers = list(refused.headers)
    if refused.status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if refused.status in (429, 503) and not refused.may_have_run:
        headers.append(("Retry-After", str(max(1, math.ceil(refused.retry_after or 1)))))
    if refused.rate_limit is not None:
        names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        headers.extend(zip(names, map(str, refused.rate_limit), strict=True))
    return headers


def _main_port_text(refused: Refused) -> str:
    wire = TABLE[refused.code]
    if not wire.detailed or refused.message.startswith(wire.text):
        return refused.message if wire.detailed else wire.text
    return f"{wire.text}: {refused.message}"
