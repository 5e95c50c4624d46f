"""Fetches that another call may cancel."""

from __future__ import annotations

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.protocols.flight.running import MOST_REMEMBERED, Running


def present() -> bool:
    return False


def test_the_second_fetch_of_a_ticket_is_not_the_first() -> None:
    running = Running()
    first, _ = running.start("owner", "qry_1", present)
    running.end("owner", "qry_1")
    second, _ = running.start("owner", "qry_1", present)

    assert (first, second) == (True, False)


def test_a_running_fetch_learns_that_it_was_cancelled() -> None:
    running = Running()
    _, is_gone = running.start("owner", "qry_1", present)

    assert not is_gone()
    assert running.cancel("owner", "qry_1")
    assert is_gone()


def test_what_was_cancelled_before_does_not_begin() -> None:
    running = Running()

    assert not running.cancel("owner", "qry_1")
    with pytest.raises(QueryRefused) as told:
        running.start("owner", "qry_1", present)
    assert told.value.code is ErrorCode.QUERY_CANCELLED


def test_nobody_cancels_for_another() -> None:
    running = Running()
    _, is_gone = running.start("owner", "qry_1", present)

    assert not running.cancel("thief", "qry_1")
    assert not is_gone()


def test_a_fetch_that_is_forgotten_may_come_again_under_its_name() -> None:
    running = Running()
    running.start("owner", "qry_1", present)
    running.cancel("owner", "qry_1")
    running.forget("owner", "qry_1")
    first, is_gone = running.start("owner", "qry_1", present)

    assert first
    assert not is_gone()


def test_what_is_remembered_is_bounded() -> None:
    running = Running()
    for number in range(MOST_REMEMBERED + 10):
        running.cancel("owner", f"qry_{number}")

    assert running.start("owner", "qry_0", present)[0]
