"""Codes on the wire."""

from __future__ import annotations

import json
import traceback

import pyarrow.flight as fl
import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.protocols.flight.errors import (
    LONGEST_TEXT,
    SQLSTATE,
    TABLE,
    InvalidArgument,
    guarded,
    keep_tracebacks_inside,
    wire_error,
)


def test_every_code_has_an_exception_and_an_sqlstate() -> None:
    assert set(TABLE) == set(ErrorCode)
    assert set(SQLSTATE) == set(ErrorCode)
    assert all(len(state) == 5 for state in SQLSTATE.values())


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_begins_with_its_code_and_is_short(code: ErrorCode) -> None:
    text = str(wire_error(QueryRefused(code, "x" * 10_000)))

    assert text.startswith(f"[{code}] ")
    assert len(text) <= LONGEST_TEXT + 40


def test_flight_errors_carry_the_details_as_json() -> None:
    refusal = QueryRefused(ErrorCode.RATE_LIMITED, retry_after=3, rate_limit=(60, 0, 1700000000))
    refusal.query_id = "qry_1"
    error = wire_error(refusal)

    assert isinstance(error, fl.FlightUnavailableError)
    assert json.loads(error.extra_info) == {
        "code": "RATE_LIMITED",
        "message": "Rate limit exceeded",
        "query_id": "qry_1",
        "retry_after": 3,
        "rate_limit": [60, 0, 1700000000],
    }


def ignored(name: str, value: str) -> None:
    """Take a trailer that no test looks at."""


def test_a_defect_becomes_an_internal_error_without_its_text() -> None:
    def failing() -> object:
        raise RuntimeError("secret path /srv/x")
        yield

    with pytest.raises(fl.FlightInternalError) as told:
        list(guarded(failing(), ignored))  # type: ignore[arg-type]  # a generator that fails

    assert "secret" not in str(told.value)


def test_a_refusal_in_mid_stream_has_its_sqlstate_in_the_trailer() -> None:
    def cut() -> object:
        yield 1
        raise QueryRefused(ErrorCode.QUERY_TIMEOUT)

    trailers: list[tuple[str, str]] = []
    messages = guarded(cut(), lambda name, value: trailers.append((name, value)))  # type: ignore[arg-type]  # as above

    assert next(messages) == 1
    with pytest.raises(fl.FlightTimedOutError):
        next(messages)
    assert trailers == [("x-sqlstate", "57014")]


def test_the_traceback_of_our_exceptions_is_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traceback, "format_exception", traceback.format_exception)
    keep_tracebacks_inside()
    keep_tracebacks_inside()
    error = InvalidArgument("[INVALID_REQUEST] text")

    assert traceback.format_exception(type(error), error, None) == ["InvalidArgument"]
    assert "Traceback" in "".join(traceback.format_exception(_raised(ValueError("x"))))


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except ValueError as caught:
        return caught
