"""Everything that is not a query gets the right code as JSON, on both ports."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from tests.fixtures.gateway import Pair, wait_until

PORTS = pytest.mark.parametrize("profile", ["http", "mcp"])
JSON = {"Content-Type": "application/json"}
QUERY = '{"sql": "select 1"}'


def check(response: Any, profile: str, status: int, code: str) -> None:
    body = response.json()

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert body["error" if profile == "mcp" else "code"] == code
    assert body["query_id"] == response.headers["X-Query-Id"]


@PORTS
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"select 1",
        b"[]",
        b"{}",
        b'{"sql": ""}',
        b'{"sql": "select 1", "unknown": 1}',
        b'{"sql": "select \\u0000 1"}',
        b'{"sql": "\xff\xfe"}',
        b'{"sql": "select 1", "parameters": [[1]]}',
        b'{"sql": "select 1", "parameters": [1]}',
        b'{"sql": "select 1", "timeout_ms": 0}',
        b'{"sql": "select 1", "timeout_ms": -5}',
        b'{"sql": "select 1", "timeout_ms": 99999999999}',
        b'{"sql": "select 1", "timeout_ms": "soon"}',
        b'{"sql": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"sql": "-- nothing"}',
    ],
    ids=lambda body: repr(body[:40]),
)
@pytest.mark.parametrize("path", ["/v1/query", "/v1/query/arrow", "/v1/query/parquet"])
def test_a_bad_body_is_an_invalid_request(gateway: Pair, profile: str, path: str, body: bytes) -> None:
    response = gateway.send("POST", path, profile=profile, data=body, headers=JSON)

    check(response, profile, 400, "INVALID_REQUEST")


@PORTS
def test_ten_thousand_parentheses_are_a_parse_error(gateway: Pair, profile: str) -> None:
    response = gateway.post("select " + "(" * 10_000 + "1" + ")" * 10_000, profile=profile)

    assert response.status_code == 400
    assert {"QUERY_PARSE_ERROR", "INVALID_REQUEST", "QUERY_ERROR"} & set(response.json().values())


@PORTS
@pytest.mark.parametrize("size", [2_000_000, 30_000_000])
def test_a_large_text_is_too_large(gateway: Pair, profile: str, size: int) -> None:
    response = gateway.post("select '" + "x" * size + "'", profile=profile)

    check(response, profile, 413, "REQUEST_TOO_LARGE")


@PORTS
@pytest.mark.parametrize("path", ["/", "/v1", "/v1/query/csv", "/v1/query/", "/%00", "/v1/../x"])
def test_an_unknown_path_is_not_found(gateway: Pair, profile: str, path: str) -> None:
    check(gateway.send("POST", path, profile=profile, data=QUERY, headers=JSON), profile, 404, "NOT_FOUND")


@PORTS
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/query", "POST"),
        ("PUT", "/v1/query/arrow", "POST"),
        ("DELETE", "/v1/query/parquet", "POST"),
        ("OPTIONS", "/v1/query", "POST"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
def test_a_wrong_method_names_the_right_one(
    gateway: Pair, profile: str, method: str, path: str, allowed: str
) -> None:
    response = gateway.send(method, path, profile=profile)

    check(response, profile, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == allowed


@PORTS
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_a_wrong_type_is_unsupported(gateway: Pair, profile: str, headers: dict[str, str]) -> None:
    response = gateway.send("POST", "/v1/query", profile=profile, data=QUERY, headers=headers)

    check(response, profile, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_come_with_parameters(gateway: Pair, kind: str) -> None:
    response = gateway.send("POST", "/v1/query", data=QUERY, headers={"Content-Type": kind})

    assert response.status_code == 200


def raw_answer(pair: Pair, profile: str, request: bytes) -> tuple[str, dict[str, Any]]:
    """Send bytes and return the status line and the JSON body that come back before the connection ends."""
    with socket.create_connection(pair.address(profile), timeout=20) as connection:
        connection.sendall(request)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), json.loads(body)


@PORTS
@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", "400"),
        (b"GET / HTTP/9.9\r\n\r\n", "400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "400"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", "431"),
    ],
    ids=["nonsense", "version", "header", "line", "headers"],
)
def test_what_is_not_http_is_answered_in_json(
    gateway: Pair, profile: str, request_bytes: bytes, status: str
) -> None:
    line, body = raw_answer(gateway, profile, request_bytes)

    assert line.split()[1] == status
    assert "INVALID_REQUEST" in body.values()
    assert body["query_id"].startswith("qry_")


@PORTS
def test_a_bad_chunk_is_an_invalid_request(gateway: Pair, profile: str) -> None:
    head = b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    line, body = raw_answer(gateway, profile, head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")

    assert line.split()[1] == "400"
    assert "INVALID_REQUEST" in body.values()


def test_a_chunked_body_is_read(gateway: Pair) -> None:
    parts = iter([b'{"sql": ', b'"select 1 as a"}'])

    assert gateway.send("POST", "/v1/query", data=parts, headers=JSON).json()["rows"] == [{"a": 1}]


def test_a_connection_cut_in_its_request_hurts_nobody(gateway: Pair) -> None:
    head = (
        b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    )
    for _ in range(20):
        with socket.create_connection(gateway.address(), timeout=5) as connection:
            connection.sendall(head + b'{"sql"')
    started = time.monotonic()

    assert gateway.post("select 1").status_code == 200
    assert time.monotonic() - started < 2


def test_the_log_has_one_line_for_each_request_and_no_secret(gateway: Pair) -> None:
    key = "hd_live_" + "k" * 32
    response = gateway.post("select 'in the text'", parameters=[], headers={"Authorization": f"Bearer {key}"})
    query_id = response.headers["X-Query-Id"]
    wait_until(lambda: query_id in gateway.gateway.output(), gateway.gateway.output, seconds=10)
    lines = [line for line in gateway.gateway.output().splitlines() if query_id in line]

    assert len(lines) == 1
    assert json.loads(lines[0])["code"] == "UNAUTHORIZED"
    assert key not in gateway.gateway.output()
    assert "in the text" not in gateway.gateway.output()
