"""The Flight transport against a server that does what the ticket's SQL says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.flight as fl
import pytest

from hatidata_agent import (
    HatiDataError,
    InternalError,
    PolicyDeniedError,
    QueryParseError,
    QueryTimeoutError,
    RateLimitedError,
    ServiceUnavailableError,
)
from hatidata_agent._transport import Place, Request
from hatidata_agent._transport.flight import FlightTransport
from hatidata_agent.calls import Call

SCHEMA = pa.schema([("a", pa.int64())])
RECEIPT = json.dumps({"query_id": "qry_1", "rows": 2}).encode()


class FaultServer(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow publishes no types
    """Answers with two rows, or fails as the SQL demands."""

    def __init__(self) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self.tickets: list[dict[str, object]] = []
        self.headers: dict[str, list[str]] = {}

    def do_get(self, context: fl.ServerCallContext, ticket: fl.Ticket) -> fl.GeneratorStream:
        request = json.loads(ticket.ticket)
        self.tickets.append(request)
        if request["sql"] == "denied":
            extra = json.dumps({"code": "POLICY_DENIED", "message": "no", "query_id": "qry_2"}).encode()
            raise fl.FlightUnauthorizedError("[POLICY_DENIED] no", extra)
        if request["sql"] == "text only":
            raise pa.ArrowInvalid("[QUERY_PARSE_ERROR] syntax error near ','")
        if request["sql"] == "limited":
            extra = json.dumps({"code": "RATE_LIMITED", "message": "slow", "retry_after": 7}).encode()
            raise fl.FlightUnavailableError("[RATE_LIMITED] slow", extra)
        if request["sql"] == "defect":
            raise RuntimeError("inside")
        return fl.GeneratorStream(SCHEMA, self._stream(request["sql"]))

    def _stream(self, sql: str) -> Iterator[object]:
        yield pa.record_batch({"a": [1]})
        if sql == "slow":
            time.sleep(3)
        if sql == "fail midstream":
            raise fl.FlightUnavailableError("[SERVICE_UNAVAILABLE] draining")
        yield pa.record_batch({"a": [2]})
        if sql != "no receipt":
            yield pa.record_batch({"a": pa.array([], pa.int64())}), RECEIPT

    def do_put(
        self,
        context: fl.ServerCallContext,
        descriptor: fl.FlightDescriptor,
        reader: fl.MetadataRecordBatchReader,
        writer: fl.FlightMetadataWriter,
    ) -> None:
        self.tickets.append(json.loads(descriptor.command))
        rows = reader.read_all().num_rows
        if rows > 1000:
            raise fl.FlightUnauthorizedError("[POLICY_DENIED] too much")
        writer.write(json.dumps({"query_id": "qry_3", "rows": rows, "rows_affected": rows}).encode())


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def transport(server: FaultServer) -> Iterator[FlightTransport]:
    opened = FlightTransport(f"grpc://127.0.0.1:{server.port}", Place("127.0.0.1", server.port))
    yield opened
    opened.close()


def test_an_answer_is_read_to_its_receipt(transport: FlightTransport) -> None:
    answer = transport.run(Request("ok"), Call())
    table = answer.read_all()

    assert (table.to_pydict(), table.schema) == ({"a": [1, 2]}, SCHEMA)
    assert answer.receipt is not None
    assert answer.receipt.query_id == "qry_1"


def test_the_ticket_leaves_out_what_was_not_asked(transport: FlightTransport, server: FaultServer) -> None:
    transport.run(Request("ok"), Call()).read_all()
    transport.run(Request("ok", ("x", 1), 500, "snowflake"), Call()).read_all()

    assert server.tickets[-2:] == [
        {"sql": "ok"},
        {"sql": "ok", "parameters": ["x", 1], "timeout_ms": 500, "dialect": "snowflake"},
    ]


def test_a_refusal_carries_code_text_and_query(transport: FlightTransport) -> None:
    with pytest.raises(PolicyDeniedError) as raised:
        transport.run(Request("denied"), Call())

    assert (raised.value.message, raised.value.query_id) == ("no", "qry_2")


def test_the_code_is_found_in_the_text_when_there_is_nothing_else(transport: FlightTransport) -> None:
    with pytest.raises(QueryParseError) as raised:
        transport.run(Request("text only"), Call())

    assert raised.value.message == "syntax error near ','"


def test_a_limit_says_when_to_come_again(transport: FlightTransport) -> None:
    with pytest.raises(RateLimitedError) as raised:
        transport.run(Request("limited"), Call())

    assert raised.value.retry_after == 7.0


def test_a_defect_of_the_server_is_an_internal_error(transport: FlightTransport) -> None:
    with pytest.raises(InternalError):
        transport.run(Request("defect"), Call())


def test_a_failure_in_midstream_keeps_its_code(transport: FlightTransport) -> None:
    answer = transport.run(Request("fail midstream"), Call())

    with pytest.raises(ServiceUnavailableError, match="draining"):
        answer.read_all()


def test_an_answer_without_a_receipt_was_cut(transport: FlightTransport) -> None:
    answer = transport.run(Request("no receipt"), Call())

    with pytest.raises(ServiceUnavailableError, match="cut"):
        answer.read_all()


def test_a_reader_tells_the_same_error_as_the_answer(transport: FlightTransport) -> None:
    reader = transport.run(Request("no receipt"), Call()).to_reader()

    with pytest.raises(HatiDataError, match="cut"):
        reader.read_all()


def test_a_server_that_hangs_past_the_limit_is_given_up(
    transport: FlightTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hatidata_agent._transport.flight.SLACK_SECS", 0.2)
    with pytest.raises(QueryTimeoutError):
        transport.run(Request("slow", timeout_ms=100), Call()).read_all()


def test_a_server_that_is_not_there_got_nothing() -> None:
    transport = FlightTransport("grpc://127.0.0.1:1", Place("127.0.0.1", 1))
    with pytest.raises(ServiceUnavailableError) as raised:
        transport.run(Request("ok"), Call())

    assert raised.value.sent is False


def test_a_load_streams_batches_and_returns_the_receipt(
    transport: FlightTransport, server: FaultServer
) -> None:
    receipt = transport.ingest("t", "append", SCHEMA, iter([pa.record_batch({"a": [1, 2, 3]})]), Call())

    assert receipt.rows_affected == 3
    assert server.tickets[-1] == {"ingest": {"table": "t", "mode": "append"}}


def test_a_load_that_is_refused_says_why(transport: FlightTransport) -> None:
    batches = iter([pa.record_batch({"a": [1] * 2000})])
    with pytest.raises(PolicyDeniedError, match="too much"):
        transport.ingest("t", "append", SCHEMA, batches, Call())
