"""Which headers make a caller."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import Headers

from http_gateway.credentials import caller_of
from http_gateway.errors import Code, Refused

KEY = "hd_live_0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"Authorization": f"ApiKey {KEY}"},
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {KEY}", "X-API-Key": KEY},
    ],
)
def test_reads_the_key(headers: dict[str, str]) -> None:
    assert caller_of(Headers(headers), "192.0.2.1").key == KEY


def test_passes_a_missing_key_on() -> None:
    assert caller_of(Headers(), "192.0.2.1").key is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": "Bearer a b"},
        {"Authorization": "Bearer \xe4"},
        {"X-API-Key": ""},
        {"X-API-Key": "x" * 513},
        {"Authorization": f"Bearer {KEY}", "X-API-Key": "another"},
    ],
)
def test_refuses_what_is_no_key(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        caller_of(Headers(headers), "192.0.2.1")

    assert caught.value.code is Code.UNAUTHORIZED


def test_reads_the_agent() -> None:
    assert caller_of(Headers({"X-Agent-Id": "analyst 1"}), "192.0.2.1").agent_id == "analyst 1"


@pytest.mark.parametrize("agent", ["", "\xe4", "a" * 257])
def test_refuses_an_agent_that_no_header_can_hold(agent: str) -> None:
    with pytest.raises(Refused) as caught:
        caller_of(Headers({"X-Agent-Id": agent}), "192.0.2.1")

    assert caught.value.code is Code.INVALID_REQUEST


def test_never_shows_the_key_in_a_representation() -> None:
    assert KEY not in repr(caller_of(Headers({"X-API-Key": KEY}), "192.0.2.1"))
