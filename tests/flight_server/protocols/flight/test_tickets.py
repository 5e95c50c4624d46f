"""Tickets: sealed, readable only by who made them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.protocols.flight.protobuf import unwrap
from flight_server.protocols.flight.tickets import PartTicket, QueryTicket, ResultTicket, Ticket, TicketSealer

SEALER = TicketSealer(b"k" * 32)


@pytest.mark.parametrize(
    "ticket",
    [
        ResultTicket("token"),
        PartTicket("token", 3),
        QueryTicket("qry_1", "SELECT '\0'", None, "auto"),
        QueryTicket("qry_1", "SELECT $1", 100, "duckdb", b"\x00\xff", None, (1, "x", None, True, 1.5)),
        QueryTicket("qry_1", "SELECT ?", 100, "auto", b"", pa.table({"0": [1, None], "1": [b"\0", b""]})),
    ],
)
def test_a_ticket_comes_back_as_it_was(ticket: Ticket) -> None:
    assert SEALER.open(unwrap(SEALER.seal(ticket)).statement_handle) == ticket


def test_a_ticket_of_another_process_is_refused() -> None:
    handle = unwrap(TicketSealer(b"other" * 8).seal(ResultTicket("token"))).statement_handle

    with pytest.raises(QueryRefused, match="restarted"):
        SEALER.open(handle)


@given(st.binary(max_size=100))
def test_a_forged_ticket_is_refused(handle: bytes) -> None:
    with pytest.raises(QueryRefused) as told:
        SEALER.open(handle)

    assert told.value.code is ErrorCode.INVALID_REQUEST


def test_a_query_may_not_bring_megabytes_of_parameters() -> None:
    rows = pa.table({"0": ["x" * 1000] * 3000})

    with pytest.raises(QueryRefused, match="2097152 bytes"):
        SEALER.seal(QueryTicket("qry_1", "SELECT ?", None, "auto", b"", rows))
