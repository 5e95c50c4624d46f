"""Bad input gives the right code on both ports and over Flight: never a traceback, a hang or an HTML page."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pyarrow.flight as flight
import pytest
import requests

from tests.fixtures.whole_service import WholeService
from tests.integration.bad_bodies import BAD_BODIES, Bad

STATUS = {
    "QUERY_PARSE_ERROR": 400,
    "INVALID_REQUEST": 400,
    "QUERY_ERROR": 400,
    "UNAUTHORIZED": 401,
    "POLICY_DENIED": 403,
    "SERVICE_UNAVAILABLE": 503,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "REQUEST_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}
NEVER = re.compile(r'Traceback|File "|\.py\b|<html|<!doctype|site-packages|/home|sealed_', re.IGNORECASE)
PATIENCE = 20.0
PORTS = ("http", "mcp")
FORMS = ("/v1/query/arrow", "/v1/query", "/v1/query/parquet")
BAD_REQUESTS: dict[str, tuple[str, str, dict[str, str | bytes], str]] = {
    "unknown path": ("POST", "/v1/nosuch", {}, "NOT_FOUND"),
    "root": ("GET", "/", {}, "NOT_FOUND"),
    "path with dots": ("GET", "/v1/../../etc/passwd", {}, "NOT_FOUND"),
    "GET a query": ("GET", "/v1/query", {}, "METHOD_NOT_ALLOWED"),
    "DELETE a query": ("DELETE", "/v1/query/arrow", {}, "METHOD_NOT_ALLOWED"),
    "POST health": ("POST", "/health", {}, "METHOD_NOT_ALLOWED"),
    "form content": (
        "POST",
        "/v1/query",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    "XML content": ("POST", "/v1/query/arrow", {"Content-Type": "text/xml"}, "UNSUPPORTED_MEDIA_TYPE"),
    "compressed content": ("POST", "/v1/query", {"Content-Encoding": "gzip"}, "UNSUPPORTED_MEDIA_TYPE"),
    "Accept HTML": ("POST", "/v1/query", {"Accept": "text/html"}, "NOT_ACCEPTABLE"),
    "Accept an image": ("POST", "/v1/query/arrow", {"Accept": "image/png"}, "NOT_ACCEPTABLE"),
    "no coding at all": (
        "POST",
        "/v1/query/arrow",
        {"Accept-Encoding": "identity;q=0, *;q=0"},
        "NOT_ACCEPTABLE",
    ),
    "no credential": ("POST", "/v1/query", {"Authorization": ""}, "UNAUTHORIZED"),
    "unknown scheme": ("POST", "/v1/query", {"Authorization": "Digest x"}, "UNAUTHORIZED"),
    "wrong key": ("POST", "/v1/query", {"Authorization": "Bearer hd_live_" + "x" * 32}, "UNAUTHORIZED"),
    "key not ASCII": ("POST", "/v1/query", {"Authorization": b"Bearer \xc3\xa9\xff"}, "UNAUTHORIZED"),
    "an agent not allowed": ("POST", "/v1/query", {"X-Agent-Id": "someone"}, "POLICY_DENIED"),
}


@pytest.fixture(autouse=True)
def _answers_afterwards(whole_service: WholeService) -> Iterator[None]:
    """Whatever a test sent, the next caller is answered at once."""
    yield
    started = time.monotonic()
    answer = requests.post(
        whole_service.http + "/v1/query",
        json={"sql": "SELECT 42 AS a"},
        headers={"Authorization": whole_service.bearer},
        timeout=PATIENCE,
    )

    assert answer.json()["rows"] == [{"a": 42}]
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("bad", BAD_BODIES, ids=lambda bad: bad.name)
def test_a_bad_body_gets_its_code_over_http(
    whole_service: WholeService, bad: Bad, port: str, form: str
) -> None:
    answer = requests.post(
        getattr(whole_service, port) + form,
        data=bad.body,
        headers={"Authorization": whole_service.bearer, "Content-Type": "application/json"},
        timeout=PATIENCE,
    )

    assert _code(answer, port) in bad.codes


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_bad_request_gets_its_code(whole_service: WholeService, name: str, port: str) -> None:
    method, path, headers, code = BAD_REQUESTS[name]
    answer = requests.request(
        method,
        getattr(whole_service, port) + path,
        data=b'{"sql": "SELECT 1 AS a"}' if method == "POST" else None,
        headers={"Authorization": whole_service.bearer, "Content-Type": "application/json", **headers},
        timeout=PATIENCE,
    )

    assert _code(answer, port) == code


@pytest.mark.parametrize("bad", [bad for bad in BAD_BODIES if not bad.http_only], ids=lambda bad: bad.name)
def test_a_bad_ticket_gets_its_code_over_flight(whole_service: WholeService, bad: Bad) -> None:
    with pytest.raises((flight.FlightError, OSError, ValueError)) as refused:
        _do_get(whole_service, bad.body)

    assert _flight_code(refused.value) in {
        "INVALID_REQUEST" if c == "REQUEST_TOO_LARGE" else c for c in bad.codes
    }


@pytest.mark.parametrize(
    "ticket", [b"\x00\x01\x02", b"\xff" * 100, b"\n\x05hello", bytes(range(256)) * 40, b"{" * 5_000]
)
def test_a_garbage_ticket_is_an_invalid_request(whole_service: WholeService, ticket: bytes) -> None:
    with pytest.raises((flight.FlightError, OSError, ValueError)) as refused:
        _do_get(whole_service, ticket)

    assert _flight_code(refused.value) in {"INVALID_REQUEST", "QUERY_PARSE_ERROR"}


def test_an_unknown_flight_action_is_unimplemented(whole_service: WholeService) -> None:
    with (
        closing(flight.connect(whole_service.flight)) as client,
        pytest.raises(NotImplementedError) as refused,
    ):
        list(client.do_action(flight.Action("no-such-action", b"\xff\x00"), _options(whole_service.key)))

    assert not NEVER.search(_message(refused.value))


@pytest.mark.parametrize("key", [None, "", "hd_live_" + "x" * 32, "x" * 4_000])
def test_a_flight_caller_without_a_good_key_is_unauthenticated(
    whole_service: WholeService, key: str | None
) -> None:
    with (
        closing(flight.connect(whole_service.flight)) as client,
        pytest.raises(flight.FlightUnauthenticatedError) as refused,
    ):
        client.do_get(flight.Ticket(b"SELECT 1"), _options(key)).read_all()

    assert _flight_code(refused.value) == "UNAUTHORIZED"


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_a_json_refusal_or_is_hung_up_on(
    whole_service: WholeService, head: bytes, port: str
) -> None:
    said = _raw(getattr(whole_service, port), head)

    assert said == b"" or (said.startswith(b"HTTP/1.1 4") and b'"error"' in said)
    assert not NEVER.search(said.decode("latin-1"))


@pytest.mark.parametrize("port", PORTS)
def test_a_connection_cut_in_mid_request_is_forgotten(whole_service: WholeService, port: str) -> None:
    head = f"POST /v1/query HTTP/1.1\r\nHost: x\r\nAuthorization: {whole_service.bearer}\r\n"
    _raw(getattr(whole_service, port), head.encode() + b"Content-Length: 1000\r\n\r\n{", wait=False)

    assert _running(whole_service) == 0


def _do_get(service: WholeService, ticket: bytes) -> None:
    with closing(flight.connect(service.flight)) as client:
        client.do_get(flight.Ticket(ticket), _options(service.key)).read_all()


def _options(key: str | None) -> flight.FlightCallOptions:
    headers = [] if key is None else [(b"authorization", f"Bearer {key}".encode())]
    return flight.FlightCallOptions(timeout=PATIENCE, headers=headers)


def _message(refused: BaseException) -> str:
    return str(refused).partition("gRPC client debug context")[0]


def _flight_code(refused: BaseException) -> str:
    message = _message(refused)
    found = re.search(r"\[([A-Z_]+)\]", message)
    assert found, message
    assert not NEVER.search(message)
    return found[1]


def _code(answer: requests.Response, port: str) -> str:
    """The code of a refusal, after checking that its form is the port's."""
    assert answer.headers["Content-Type"].startswith("application/json"), answer.text[:500]
    assert not NEVER.search(answer.text)
    body = answer.json()
    code: str = body["code"] if port == "http" else body["error"]
    assert set(body) == (
        {"error", "code", "query_id"} if port == "http" else {"error", "message", "query_id"}
    )
    assert answer.status_code == STATUS[code], (answer.status_code, body)
    return code


def _raw(uri: str, sent: bytes, *, wait: bool = True) -> bytes:
    """Send bytes on a fresh connection and return what comes back, or cut it at once."""
    place = urlsplit(uri)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        if not wait:
            return b""
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := _received(connection):
            received += piece
    return received


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""


def _running(service: WholeService) -> float:
    url = service.metrics.removesuffix("/metrics") + "/metrics"
    text = requests.get(url, timeout=PATIENCE).text
    found = re.findall(r"^hatidata_running_queries (\S+)", text, re.MULTILINE)
    return float(json.loads(found[0]))
