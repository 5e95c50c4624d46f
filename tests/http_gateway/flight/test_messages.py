"""The Flight messages that are read and written by hand."""

from __future__ import annotations

import json

import pyarrow.flight as fl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.flight.messages import (
    Malformed,
    action_bytes,
    flight_data,
    framed,
    result_body,
    ticket_bytes,
)
from http_gateway.request_body import QueryBody


def test_a_ticket_is_what_pyarrow_reads() -> None:
    body = QueryBody("select 'ä' || $1", (1, None), 5, "duckdb")

    assert json.loads(fl.Ticket.deserialize(ticket_bytes(body)).ticket) == {
        "sql": "select 'ä' || $1",
        "parameters": [1, None],
        "timeout_ms": 5,
        "dialect": "duckdb",
    }


def test_a_ticket_leaves_the_default_timeout_to_the_server() -> None:
    assert "timeout_ms" not in json.loads(fl.Ticket.deserialize(ticket_bytes(QueryBody("x"))).ticket)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 20_000])
def test_an_action_is_what_pyarrow_reads(length: int) -> None:
    action = fl.Action.deserialize(action_bytes("hatidata.ready", b"x" * length))

    assert action.type == "hatidata.ready"
    assert action.body.to_pybytes() == b"x" * length


def test_a_result_of_pyarrow_is_read() -> None:
    assert result_body(fl.Result(b"{}").serialize()) == b"{}"


def test_flight_data_is_taken_apart() -> None:
    message = b"\x12\x03abc" + b"\x1a\x02{}" + b"\xc2\x3e\x04body"

    data = flight_data(message)

    assert (data.header, data.metadata, bytes(data.body)) == (b"abc", b"{}", b"body")


@pytest.mark.parametrize("length", range(9))
def test_a_frame_is_aligned(length: int) -> None:
    head, _ = framed(flight_data(b"\x12" + bytes([length]) + b"h" * length))

    assert len(head) % 8 == 0
    assert int.from_bytes(head[4:8], "little") == len(head) - 8


@pytest.mark.parametrize("message", [b"\x12", b"\x12\x05abc", b"\x10\x01", b"\xff" * 12])
def test_refuses_what_is_not_protobuf(message: bytes) -> None:
    with pytest.raises(Malformed):
        flight_data(message)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(message: bytes) -> None:
    try:
        data = flight_data(message)
    except Malformed:
        data = flight_data(b"")

    assert len(data.header) + len(data.body) <= len(message)
