"""The table of codes, and how an error looks on either port."""

from __future__ import annotations

import pytest

from flight_server.errors import FIXED_MESSAGES, ErrorCode
from http_gateway.errors import HTTP_ONLY, TABLE, Code, Profile, Refused, error_body, error_headers

QUERY_ID = "qry_0123456789abcdef01234567"


def test_every_code_is_in_the_table() -> None:
    assert set(TABLE) == set(Code)


def test_the_codes_are_those_of_the_flight_server_and_those_of_http() -> None:
    assert {str(code) for code in Code} == {str(code) for code in ErrorCode} | {
        str(code) for code in HTTP_ONLY
    }


def test_fixed_texts_are_those_of_the_flight_server() -> None:
    fixed = {str(code): text for code, text in FIXED_MESSAGES.items()}

    assert {code: TABLE[Code(code)].text for code in fixed} == fixed


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.QUERY_PARSE_ERROR, 400),
        (Code.INVALID_REQUEST, 400),
        (Code.QUERY_ERROR, 400),
        (Code.UNAUTHORIZED, 401),
        (Code.POLICY_DENIED, 403),
        (Code.QUERY_TIMEOUT, 408),
        (Code.QUERY_CANCELLED, 499),
        (Code.RESULT_TOO_LARGE, 413),
        (Code.RATE_LIMITED, 429),
        (Code.QUOTA_EXCEEDED, 429),
        (Code.INTERNAL_ERROR, 500),
        (Code.SERVICE_UNAVAILABLE, 503),
    ],
)
def test_statuses_are_those_of_the_contract(code: Code, status: int) -> None:
    assert TABLE[code].status == status


@pytest.mark.parametrize(
    ("code", "message", "text"),
    [
        (Code.QUERY_PARSE_ERROR, "at 'x'", "SQL parse error: at 'x'"),
        (Code.QUERY_PARSE_ERROR, "SQL parse error: at 'x'", "SQL parse error: at 'x'"),
        (Code.INVALID_REQUEST, "no sql", "Invalid request: no sql"),
        (Code.QUERY_ERROR, "conversion failed", "SQL error: conversion failed"),
        (Code.POLICY_DENIED, "Agent 'a' is not permitted to access table 't'", "Permission denied"),
        (Code.UNAUTHORIZED, "", "Invalid API key"),
        (Code.QUERY_TIMEOUT, "", "Query timeout"),
        (Code.RATE_LIMITED, "", "Rate limit exceeded"),
        (Code.SERVICE_UNAVAILABLE, "the queue is full", "Service unavailable"),
    ],
)
def test_the_main_port_says_the_text_of_its_document(code: Code, message: str, text: str) -> None:
    body = error_body(Refused(code, message), Profile.API, QUERY_ID)

    assert body == {"error": text, "code": code, "query_id": QUERY_ID}


def test_the_mcp_port_says_the_code_and_the_message() -> None:
    body = error_body(Refused(Code.POLICY_DENIED, "not yours"), Profile.NATIVE, QUERY_ID)

    assert body == {"error": "POLICY_DENIED", "message": "not yours", "query_id": QUERY_ID}


def test_a_limit_tells_when_to_come_back() -> None:
    refused = Refused(Code.RATE_LIMITED, retry_after=1.2, rate_limit=(60, 0, 1_700_000_000))

    assert dict(error_headers(refused)) == {
        "Retry-After": "2",
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1700000000",
    }


def test_a_missing_service_tells_when_to_come_back() -> None:
    assert dict(error_headers(Refused(Code.SERVICE_UNAVAILABLE))) == {"Retry-After": "1"}


def test_a_wrong_key_names_the_scheme() -> None:
    assert dict(error_headers(Refused(Code.UNAUTHORIZED))) == {"WWW-Authenticate": "Bearer"}
