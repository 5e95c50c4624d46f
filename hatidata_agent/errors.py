"""The exceptions of the SDK, each registered under the code the service sends.

The codes are the server's closed set; a test holds the two equal, because this
package must not import the server.
"""

from __future__ import annotations

from typing import ClassVar

_BY_CODE: dict[str, type[HatiDataError]] = {}


class HatiDataError(Exception):
    """A query that got no answer.

    Attributes:
        code: What a program acts on.
        message: What a person reads.
        query_id: Under which the audit log holds the whole story; empty if none was given.
        retry_after: Seconds after which the same request may succeed, if the service said so.
        sent: False when the request cannot have reached the service.
    """

    code: ClassVar[str] = ""

    def __init__(
        self,
        message: str = "",
        *,
        query_id: str = "",
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        self.message = message or self.code
        self.query_id = query_id
        self.retry_after = retry_after
        self.sent = sent
        super().__init__(f"[{self.code}] {self.message}")

    def __init_subclass__(cls, code: str) -> None:
        cls.code = code
        _BY_CODE[code] = cls


class QueryParseError(HatiDataError, code="QUERY_PARSE_ERROR"):
    """The text is not SQL."""


class InvalidRequestError(HatiDataError, code="INVALID_REQUEST"):
    """The request around the SQL is wrong: a parameter, a time limit, an option."""


class QueryError(HatiDataError, code="QUERY_ERROR"):
    """The SQL is well formed and cannot run: an unknown column, a failed cast."""


class UnauthorizedError(HatiDataError, code="UNAUTHORIZED"):
    """The key is missing, wrong, expired or revoked."""


class PolicyDeniedError(HatiDataError, code="POLICY_DENIED"):
    """A policy forbids it."""


class QueryTimeoutError(HatiDataError, code="QUERY_TIMEOUT"):
    """The query took longer than its time limit."""


class QueryCancelledError(HatiDataError, code="QUERY_CANCELLED"):
    """The query was stopped before its end."""


class ResultTooLargeError(HatiDataError, code="RESULT_TOO_LARGE"):
    """The answer exceeds the cap of HTTP; Flight and Parquet have none."""


class RateLimitedError(HatiDataError, code="RATE_LIMITED"):
    """Too many requests; `retry_after` says when to come again."""


class QuotaExceededError(HatiDataError, code="QUOTA_EXCEEDED"):
    """The month's credits are spent."""


class InternalError(HatiDataError, code="INTERNAL_ERROR"):
    """A defect of the service; its log holds the reason under the query id."""


class ServiceUnavailableError(HatiDataError, code="SERVICE_UNAVAILABLE"):
    """The service is starting, stopping, full or out of reach."""


CODES: frozenset[str] = frozenset(_BY_CODE)


def error_for(
    code: str, message: str, *, query_id: str = "", retry_after: float | None = None, sent: bool = True
) -> HatiDataError:
    """Return the exception registered under *code*; an unknown code is an `InternalError`."""
    kind = _BY_CODE.get(code, InternalError)
    return kind(message, query_id=query_id, retry_after=retry_after, sent=sent)
