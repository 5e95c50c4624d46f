"""From error codes to what pyarrow can put on the wire, without a traceback.

pyarrow writes the Python traceback of every exception that is not a
`FlightError` into the message, but only such exceptions reach INVALID_ARGUMENT
and UNIMPLEMENTED. So those have classes of their own, and the one function that
pyarrow asks for the text of a traceback answers with their message alone.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pyarrow.flight as fl

from flight_server.errors import ErrorCode, QueryRefused

LONGEST_TEXT = 1500


class InvalidArgument(ValueError):
    """Travels as INVALID_ARGUMENT, with its text and nothing else."""


class Unimplemented(NotImplementedError):
    """Travels as UNIMPLEMENTED, with its text and nothing else."""


class NotFound(KeyError):
    """Travels as NOT_FOUND, with its text and nothing else."""

    def __str__(self) -> str:
        return str(self.args[0])


Maker = Callable[[str, bytes], Exception]

TABLE: dict[ErrorCode, Maker] = {
    ErrorCode.QUERY_PARSE_ERROR: lambda text, _: InvalidArgument(text),
    ErrorCode.INVALID_REQUEST: lambda text, _: InvalidArgument(text),
    ErrorCode.QUERY_ERROR: lambda text, _: InvalidArgument(text),
    ErrorCode.UNAUTHORIZED: fl.FlightUnauthenticatedError,
    ErrorCode.POLICY_DENIED: fl.FlightUnauthorizedError,
    ErrorCode.QUERY_TIMEOUT: fl.FlightTimedOutError,
    ErrorCode.QUERY_CANCELLED: fl.FlightCancelledError,
    ErrorCode.RESULT_TOO_LARGE: fl.FlightUnavailableError,
    ErrorCode.RATE_LIMITED: fl.FlightUnavailableError,
    ErrorCode.QUOTA_EXCEEDED: fl.FlightUnavailableError,
    ErrorCode.INTERNAL_ERROR: fl.FlightInternalError,
    ErrorCode.SERVICE_UNAVAILABLE: fl.FlightUnavailableError,
}
"""Which exception carries which code."""


def wire_error(refusal: QueryRefused) -> Exception:
    """Return the exception that carries *refusal* to a Flight client."""
    text = f"[{refusal.code}] {refusal.message}"[:LONGEST_TEXT]
    return TABLE[refusal.code](text, extra_info(refusal))


def extra_info(refusal: QueryRefused) -> bytes:
    """Return the machine-readable form of *refusal*, as JSON."""
    told: dict[str, Any] = {
        "code": str(refusal.code),
        "message": refusal.message[:LONGEST_TEXT],
        "query_id": refusal.query_id,
    }
    if refusal.retry_after is not None:
        told["retry_after"] = refusal.retry_after
    if refusal.rate_limit is not None:
        told["rate_limit"] = list(refusal.rate_limit)
    return json.dumps(told).encode()


def keep_tracebacks_inside() -> None:
    """Have pyarrow write the text of our exceptions, and nothing of any other, to the client."""
    original = traceback.format_exception
    if getattr(original, "keeps_inside", False):
        return

    def format_exception(*arguments: Any, **options: Any) -> list[str]:
        error = next((a for a in arguments if isinstance(a, BaseException)), None)
        if isinstance(error, (InvalidArgument, Unimplemented, NotFound)):
            return [str(error)]
        return original(*arguments, **options)

    format_exception.keeps_inside = True  # type: ignore[attr-defined]  # marks the wrapper as ours
    traceback.format_exception = format_exception
