"""The client of a HatiData service; importing it loads neither Arrow nor a network library."""

from __future__ import annotations

from hatidata_agent.aio import AsyncAnswer, AsyncHatiDataAgent
from hatidata_agent.answer import Answer, Receipt
from hatidata_agent.client import HatiDataAgent
from hatidata_agent.errors import (
    HatiDataError,
    InternalError,
    InvalidRequestError,
    PolicyDeniedError,
    QueryCancelledError,
    QueryError,
    QueryParseError,
    QueryTimeoutError,
    QuotaExceededError,
    RateLimitedError,
    ResultTooLargeError,
    ServiceUnavailableError,
    UnauthorizedError,
)

__all__ = [
    "Answer",
    "AsyncAnswer",
    "AsyncHatiDataAgent",
    "HatiDataAgent",
    "HatiDataError",
    "InternalError",
    "InvalidRequestError",
    "PolicyDeniedError",
    "QueryCancelledError",
    "QueryError",
    "QueryParseError",
    "QueryTimeoutError",
    "QuotaExceededError",
    "RateLimitedError",
    "Receipt",
    "ResultTooLargeError",
    "ServiceUnavailableError",
    "UnauthorizedError",
]
