"""The closed set of refusals, and the one exception that carries them.

Every refusal that leaves a process has one of these codes. An exception that
is not a `QueryRefused` is a defect of ours: adapters turn it into
`INTERNAL_ERROR` and log it, and its text never reaches a caller.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """The codes of the contract (design, section 3)."""

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


FIXED_MESSAGES: dict[ErrorCode, str] = {
    ErrorCode.UNAUTHORIZED: "Invalid API key",
    ErrorCode.QUERY_TIMEOUT: "Query timeout",
    ErrorCode.QUERY_CANCELLED: "Query cancelled",
    ErrorCode.RATE_LIMITED: "Rate limit exceeded",
    ErrorCode.QUOTA_EXCEEDED: "Quota exceeded",
    ErrorCode.INTERNAL_ERROR: "Internal server error",
    ErrorCode.SERVICE_UNAVAILABLE: "Service unavailable",
}
"""What the caller reads for codes whose text says nothing about the query."""


class QueryRefused(Exception):
    """A query that gets no answer, with a code and a text fit for the caller.

    Args:
        code: What the caller's program acts on.
        message: What the caller reads: no value of a protected column, no path, no traceback.
        detail: What only the audit log and the operator's log hold.
        retry_after: Seconds after which the same request may succeed.
        rate_limit: Limit, remaining and reset (epoch seconds), for 429.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str = "",
        *,
        detail: str = "",
        retry_after: float | None = None,
        rate_limit: tuple[int, int, int] | None = None,
    ) -> None:
        self.code = code
        self.message = message or FIXED_MESSAGES.get(code, str(code))
        self.detail = detail or self.message
        self.retry_after = retry_after
        self.rate_limit = rate_limit
        self.query_id = ""
        super().__init__(f"[{code}] {self.message}")
