"""What a query's body may hold."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.errors import Code, Refused
from http_gateway.request_body import BodyLimits, QueryBody, parse_body

LIMITS = BodyLimits(max_sql_bytes=1000, max_timeout_ms=300_000)


def refusal(raw: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        parse_body(raw, LIMITS)
    return caught.value


def test_reads_every_field() -> None:
    raw = (
        b'{"sql": "select $1", "parameters": [1, 2.5, "x", true, null], "timeout_ms": 5, "dialect": "duckdb"}'
    )

    assert parse_body(raw, LIMITS) == QueryBody("select $1", (1, 2.5, "x", True, None), 5, "duckdb")


def test_needs_only_the_sql() -> None:
    assert parse_body(b'{"sql": "select 1"}', LIMITS) == QueryBody("select 1")


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"select 1", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'"select 1"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{}", "'sql' is missing"),
        (b'{"sql": null}', "must be a string"),
        (b'{"sql": 1}', "must be a string"),
        (b'{"sql": ["select 1"]}', "must be a string"),
        (b'{"sql": ""}', "'sql' is empty"),
        (b'{"sql": " \\n "}', "'sql' is empty"),
        (b'{"sql": "select \\u0000"}', "NUL"),
        (b'{"sql": "select 1", "timeout": 5}', "unknown field 'timeout'"),
        (b'{"sql": "select 1", "sql": "select 2"}', "twice"),
        (b'{"sql": "\xff"}', "UTF-8"),
        ('{"sql": "select 1"}'.encode("utf-16"), "UTF-8"),
        (b'{"sql": "\\ud800"}', "surrogate"),
        (b'{"sql": "select 1", "parameters": {}}', "must be an array"),
        (b'{"sql": "select 1", "parameters": null}', "must be an array"),
        (b'{"sql": "select 1", "parameters": [[1]]}', "parameter 1 must be"),
        (b'{"sql": "select 1", "parameters": [1, {}]}', "parameter 2 must be"),
        (b'{"sql": "select 1", "parameters": ["\\udfff"]}', "surrogate"),
        (b'{"sql": "select 1", "parameters": [NaN]}', "NaN is not"),
        (b'{"sql": "select 1", "parameters": [-Infinity]}', "-Infinity is not"),
        (b'{"sql": "select 1", "parameters": [1e999]}', "parameter 1 is not a finite"),
        (b'{"sql": "select 1", "timeout_ms": 0}', "between 1 and 300000"),
        (b'{"sql": "select 1", "timeout_ms": -1}', "between 1 and 300000"),
        (b'{"sql": "select 1", "timeout_ms": 300001}', "between 1 and 300000"),
        (b'{"sql": "select 1", "timeout_ms": 100000000000000000000000}', "between 1 and 300000"),
        (b'{"sql": "select 1", "timeout_ms": "5"}', "must be an integer"),
        (b'{"sql": "select 1", "timeout_ms": 5.0}', "must be an integer"),
        (b'{"sql": "select 1", "timeout_ms": true}', "must be an integer"),
        (b'{"sql": "select 1", "timeout_ms": null}', "must be an integer"),
        (b'{"sql": "select 1", "dialect": "oracle"}', "'dialect' must be one of"),
        (b'{"sql": "select 1", "dialect": []}', "'dialect' must be one of"),
        (b'{"sql": "select 1", "parameters": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"sql": "select 1", "timeout_ms": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_refuses_with_a_reason(raw: bytes, part: str) -> None:
    refused = refusal(raw)

    assert refused.code is Code.INVALID_REQUEST
    assert part in refused.message


def test_allows_the_highest_timeout() -> None:
    assert parse_body(b'{"sql": "select 1", "timeout_ms": 300000}', LIMITS).timeout_ms == 300_000


def test_refuses_a_text_above_the_limit_as_too_large() -> None:
    assert refusal(json.dumps({"sql": "x" * 1001}).encode()).code is Code.REQUEST_TOO_LARGE


def test_counts_the_text_in_bytes() -> None:
    assert refusal(json.dumps({"sql": "ä" * 501}).encode()).code is Code.REQUEST_TOO_LARGE


def test_refuses_a_body_above_the_limit_as_too_large() -> None:
    assert refusal(b" " * (LIMITS.max_body_bytes + 1)).code is Code.REQUEST_TOO_LARGE


@pytest.mark.parametrize(
    ("timeout", "seconds", "left"), [(None, 9, None), (500, 0.2, 300), (500, 9, 1), (5, 0, 5)]
)
def test_the_time_since_arrival_counts(timeout: int | None, seconds: float, left: int | None) -> None:
    assert QueryBody("select 1", timeout_ms=timeout).after(seconds).timeout_ms == left


@given(st.binary(max_size=200))
def test_any_bytes_give_a_query_or_a_refusal(raw: bytes) -> None:
    body = QueryBody("refused")
    with contextlib.suppress(Refused):
        body = parse_body(raw, LIMITS)

    assert body.sql.strip()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_json_as_parameters_gives_scalars_or_a_refusal(value: object) -> None:
    raw = json.dumps({"sql": "select 1", "parameters": value}).encode()
    body = QueryBody("refused", ())
    with contextlib.suppress(Refused):
        body = parse_body(raw, LIMITS)

    assert not any(isinstance(item, (list, dict)) for item in body.parameters)
