"""The HTTP transport against a server that does what the request's SQL says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest

from hatidata_agent import (
    HatiDataError,
    InternalError,
    InvalidRequestError,
    PolicyDeniedError,
    QueryTimeoutError,
    RateLimitedError,
    ServiceUnavailableError,
)
from hatidata_agent._transport import Place, Request
from hatidata_agent._transport.http import HttpTransport
from hatidata_agent.calls import Call

SCHEMA = pa.schema([("a", pa.int64())])

REFUSALS: dict[str, tuple[int, object]] = {
    "denied on 5439": (403, {"error": "Permission denied", "code": "POLICY_DENIED", "query_id": "qry_2"}),
    "denied on 5440": (403, {"error": "POLICY_DENIED", "message": "Permission denied", "query_id": "qry_2"}),
    "limited": (429, {"error": "Rate limit exceeded", "code": "RATE_LIMITED"}),
    "no json": (502, "<html>"),
    "unknown path": (404, {"error": "Not found", "code": "NOT_FOUND"}),
    "defect": (500, {"error": "Internal server error", "code": "INTERNAL_ERROR"}),
}


def _stream() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_batch(pa.record_batch({"a": [1, 2]}))
    return bytes(sink.getvalue())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        sql = request["sql"]
        if sql == "hang":
            threading.Event().wait(1)
        status, body = REFUSALS.get(sql, (200, _stream()))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Row-Count", "2")
        self.send_header("X-Rows-Affected", "2")
        self.send_header("X-Query-Id", self.headers.get("x-agent-id", "qry_1"))
        self.send_header("Retry-After", "3")
        self.end_headers()
        self.wfile.write(data[:-12] if sql == "cut" else data)
        self.close_connection = sql == "cut"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def transport(port: int) -> Iterator[HttpTransport]:
    opened = HttpTransport(Place("127.0.0.1", port, agent_id="agent-7"))
    yield opened
    opened.close()


def test_an_answer_is_read_with_its_headers_as_the_receipt(transport: HttpTransport) -> None:
    answer = transport.run(Request("ok"), Call())
    table = answer.read_all()

    assert table.to_pydict() == {"a": [1, 2]}
    assert answer.receipt is not None
    assert (answer.receipt.rows, answer.receipt.rows_affected, answer.receipt.query_id) == (
        2,
        None,
        "agent-7",
    )


@pytest.mark.parametrize(
    ("sql", "kind", "message"),
    [
        ("denied on 5439", PolicyDeniedError, "Permission denied"),
        ("denied on 5440", PolicyDeniedError, "Permission denied"),
        ("limited", RateLimitedError, "Rate limit exceeded"),
        ("no json", ServiceUnavailableError, "HTTP status 502"),
        ("unknown path", InvalidRequestError, "Not found"),
        ("defect", InternalError, "Internal server error"),
    ],
)
def test_a_refusal_is_understood_in_the_shape_of_either_port(
    transport: HttpTransport, sql: str, kind: type[HatiDataError], message: str
) -> None:
    with pytest.raises(kind) as raised:
        transport.run(Request(sql), Call())

    assert raised.value.message == message


def test_a_limit_says_when_to_come_again(transport: HttpTransport) -> None:
    with pytest.raises(RateLimitedError) as raised:
        transport.run(Request("limited"), Call())

    assert raised.value.retry_after == 3.0


def test_a_body_that_ends_early_was_cut(transport: HttpTransport) -> None:
    with pytest.raises(ServiceUnavailableError):
        transport.run(Request("cut"), Call()).read_all()


def test_a_server_that_hangs_past_the_limit_is_given_up(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hatidata_agent._transport.http.SLACK_SECS", 0.1)
    with pytest.raises(QueryTimeoutError):
        transport.run(Request("hang", timeout_ms=100), Call())


def test_a_server_that_is_not_there_got_nothing() -> None:
    with pytest.raises(ServiceUnavailableError) as raised:
        HttpTransport(Place("127.0.0.1", 1)).run(Request("ok"), Call())

    assert raised.value.sent is False


def test_loading_needs_flight(transport: HttpTransport) -> None:
    with pytest.raises(InvalidRequestError, match="Flight"):
        transport.ingest("t", "append", SCHEMA, iter([]), Call())
