"""The message classes and the bytes they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_server.errors import QueryRefused
from flight_server.protocols.flight.commands import decode, kind_of
from flight_server.protocols.flight.messages import IngestCommand, QueryCommand
from flight_server.protocols.flight.protobuf import MESSAGES, NotAMessage, make, read, unwrap, wrap


def test_a_wrapped_message_comes_back() -> None:
    message = make("CommandStatementIngest", table="t", schema="s", options={"a": "b"})
    message.table_definition_options.if_exists = 2

    again = unwrap(wrap(message))

    assert again == message
    assert again.HasField("schema")
    assert not again.HasField("catalog")


def test_the_bytes_are_those_of_the_protocol() -> None:
    wrapped = wrap(make("CommandGetCatalogs"))

    assert wrapped == b"\n@type.googleapis.com/arrow.flight.protocol.sql.CommandGetCatalogs"
    assert make("DoPutUpdateResult", record_count=3).SerializeToString() == b"\x08\x03"
    assert make("CommandGetSqlInfo", info=[1, 8]).SerializeToString() == b"\n\x02\x01\x08"


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_message_reads_its_own_empty_form(name: str) -> None:
    assert read(name, make(name).SerializeToString()) == make(name)


def test_what_is_wrapped_must_be_flight_sql() -> None:
    other = make("Any", type_url="type.googleapis.com/google.protobuf.Empty")

    with pytest.raises(NotAMessage):
        unwrap(other.SerializeToString())


def test_only_what_follows_the_last_slash_counts() -> None:
    message = make("CommandStatementQuery", query="SELECT 1")
    wrapped = make(
        "Any",
        type_url="x/y/arrow.flight.protocol.sql.CommandStatementQuery",
        value=message.SerializeToString(),
    )

    assert unwrap(wrapped.SerializeToString()).query == "SELECT 1"


def test_sql_that_begins_with_a_line_feed_is_sql() -> None:
    assert decode(b"\nSELECT 1") == QueryCommand("\nSELECT 1")


def test_json_is_a_query_or_an_ingest() -> None:
    assert decode(b'{"sql": "SELECT $1", "parameters": [1]}') == QueryCommand("SELECT $1", (1,))
    assert decode(b'{"ingest": {"table": "t", "mode": "append"}}') == IngestCommand("t", "append")


def test_a_path_is_no_command() -> None:
    with pytest.raises(QueryRefused, match="a path"):
        decode(None)


KNOWN = {"QueryCommand", "IngestCommand", "INVALID_REQUEST", *MESSAGES}


def outcome(body: bytes) -> str:
    try:
        return kind_of(decode(body))
    except QueryRefused as refusal:
        return refusal.code


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert outcome(body) in KNOWN


@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=60))
def test_any_bytes_in_a_wrapper_are_read_or_refused(name: str, body: bytes) -> None:
    url = f"type.googleapis.com/arrow.flight.protocol.sql.{name}"
    wrapper = make("Any", type_url=url, value=body).SerializeToString()

    assert outcome(wrapper) in KNOWN
