"""Refusals carry a code and a text, and docs/errors.md tells each code as the wires do."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.flight as fl
import pytest

from flight_server.errors import FIXED_MESSAGES, ErrorCode, QueryRefused
from flight_server.protocols.flight import errors as flight_errors
from http_gateway import errors as http_errors

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
STATUS: dict[type[Exception], str] = {
    flight_errors.InvalidArgument: "INVALID_ARGUMENT",
    fl.FlightUnauthenticatedError: "UNAUTHENTICATED",
    fl.FlightUnauthorizedError: "PERMISSION_DENIED",
    fl.FlightTimedOutError: "DEADLINE_EXCEEDED",
    fl.FlightCancelledError: "CANCELLED",
    fl.FlightUnavailableError: "UNAVAILABLE",
    fl.FlightInternalError: "INTERNAL",
}


def test_the_page_has_every_code_and_no_other() -> None:
    assert set(ROWS) == {str(code) for code in http_errors.TABLE}
    assert {str(code) for code in ErrorCode} <= set(ROWS)


@pytest.mark.parametrize("code", list(http_errors.TABLE), ids=str)
def test_the_page_tells_the_status_over_http(code: http_errors.Code) -> None:
    assert ROWS[str(code)].split(" | ")[0] == str(http_errors.TABLE[code].status)


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_the_page_tells_the_status_over_flight(code: ErrorCode) -> None:
    raised = flight_errors.TABLE[code]("text", b"")

    assert ROWS[str(code)].split(" | ")[1] == STATUS[type(raised)]


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_every_code_has_a_text(code: ErrorCode) -> None:
    refusal = QueryRefused(code)

    assert refusal.message == FIXED_MESSAGES.get(code, str(code))
    assert str(refusal) == f"[{code}] {refusal.message}"


def test_the_detail_stays_out_of_the_text() -> None:
    refusal = QueryRefused(ErrorCode.QUERY_ERROR, "SQL error: conversion failed", detail="value 'secret'")

    assert "secret" not in str(refusal)
    assert refusal.detail == "value 'secret'"
