"""What a failed Flight call becomes."""

from __future__ import annotations

import json

import grpc
import pytest

from http_gateway.errors import Code
from http_gateway.flight.errors import DETAILS_KEY, refusal_of


def test_reads_the_details() -> None:
    details = {
        "code": "RATE_LIMITED",
        "message": "Rate limit exceeded",
        "query_id": "qry_1",
        "retry_after": 2.5,
        "rate_limit": [60, 0, 1_700_000_000],
    }
    refused = refusal_of(grpc.StatusCode.UNAVAILABLE, "", {DETAILS_KEY: json.dumps(details).encode()})

    assert refused.code is Code.RATE_LIMITED
    assert refused.retry_after == 2.5
    assert refused.rate_limit == (60, 0, 1_700_000_000)


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ("[QUERY_ERROR] no column x", Code.QUERY_ERROR, "no column x"),
        ("[POLICY_DENIED] not yours. Detail: Unauthorized", Code.POLICY_DENIED, "not yours"),
        ("[QUERY_ERROR] a\nb. Detail: Python exception: [QUERY_ERROR] a\nb", Code.QUERY_ERROR, "a\nb"),
    ],
)
def test_reads_the_message(message: str, code: Code, text: str) -> None:
    refused = refusal_of(grpc.StatusCode.INVALID_ARGUMENT, message, {})

    assert (refused.code, refused.message) == (code, text)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (grpc.StatusCode.UNAVAILABLE, Code.SERVICE_UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Code.QUERY_TIMEOUT),
        (grpc.StatusCode.CANCELLED, Code.QUERY_CANCELLED),
        (grpc.StatusCode.UNKNOWN, Code.INTERNAL_ERROR),
        (grpc.StatusCode.UNIMPLEMENTED, Code.INTERNAL_ERROR),
    ],
)
def test_without_a_code_the_status_counts_and_the_text_stays_inside(
    status: grpc.StatusCode, code: Code
) -> None:
    refused = refusal_of(status, "failed to connect to ipv4:127.0.0.1:1", {})

    assert refused.code is code
    assert "127.0.0.1" not in refused.message


@pytest.mark.parametrize(
    "details", [b"", b"\xff", b"[]", b'{"code": 1}', b'{"code": "NEW_CODE"}', b'{"rate_limit": 1}']
)
def test_survives_details_that_are_not_ours(details: bytes) -> None:
    refused = refusal_of(grpc.StatusCode.INTERNAL, "[QUERY_ERROR] x", {DETAILS_KEY: details})

    assert refused.code is Code.QUERY_ERROR
