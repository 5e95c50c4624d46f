"""From error codes to what pyarrow can put on the wire, without a traceback.

pyarrow writes the Python traceback of every exception that is not a
`FlightError` into the message, but only such exceptions reach INVALID_ARGUMENT
and UNIMPLEMENTED. So those have classes of their own, of which the one function that
pyarrow asks for the text of a traceback gives the name alone.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.flight as fl
import structlog

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


class Refused(Exception):
    """Travels as UNKNOWN, with its text and nothing else: all that GetSchema lets through."""


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


SQLSTATE: dict[ErrorCode, str] = {
    ErrorCode.QUERY_PARSE_ERROR: "42601",
    ErrorCode.INVALID_REQUEST: "07000",
    ErrorCode.QUERY_ERROR: "42000",
    ErrorCode.UNAUTHORIZED: "28000",
    ErrorCode.POLICY_DENIED: "42501",
    ErrorCode.QUERY_TIMEOUT: "57014",
    ErrorCode.QUERY_CANCELLED: "57014",
    ErrorCode.RESULT_TOO_LARGE: "54000",
    ErrorCode.RATE_LIMITED: "53400",
    ErrorCode.QUOTA_EXCEEDED: "53400",
    ErrorCode.INTERNAL_ERROR: "XX000",
    ErrorCode.SERVICE_UNAVAILABLE: "57P03",
}
"""What JDBC and ODBC users know errors by."""

SQLSTATE_TRAILER = "x-sqlstate"


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


OURS = (InvalidArgument, Unimplemented, NotFound, Refused)


@contextmanager
def refusals_on_the_wire() -> Iterator[None]:
    """Let whatever goes wrong in the block reach the client as one of the codes, and nothing more."""
    try:
        yield
    except QueryRefused as refusal:
        raise wire_error(refusal) from None
    except (*OURS, fl.FlightError, GeneratorExit, StopIteration):
        raise
    except Exception as defect:  # noqa: BLE001  the border: no text of a defect may leave
        structlog.get_logger("flight").error("defect", exc_info=defect)
        raise wire_error(QueryRefused(ErrorCode.INTERNAL_ERROR)) from None


Trail = Callable[[str, str], None]
"""Sends a trailer after the answer; only to be called while the RPC lasts."""


def guarded(messages: Iterator[Any], trail: Trail) -> Iterator[Any]:
    """Yield *messages*, with refusals turned into what the client gets."""
    with refusals_on_the_wire():
        try:
            yield from messages
        except QueryRefused as refusal:
            trail(SQLSTATE_TRAILER, SQLSTATE[refusal.code])
            raise


def keep_tracebacks_inside() -> None:
    """Have pyarrow write the text of our exceptions, and nothing besides, to the client."""
    original = traceback.format_exception
    if getattr(original, "keeps_inside", False):
        return

    def format_exception(*arguments: Any, **options: Any) -> list[str]:
        error = next((a for a in arguments if isinstance(a, BaseException)), None)
        if isinstance(error, OURS):
            return [type(error).__name__]  # the text is the message already, and would stand there twice
        return original(*arguments, **options)

    format_exception.keeps_inside = True  # type: ignore[attr-defined]  # marks the wrapper as ours
    traceback.format_exception = format_exception
