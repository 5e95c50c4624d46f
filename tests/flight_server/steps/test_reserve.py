"""Rate before quota, and credits held until the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Limits, Principal
from flight_server.steps.reserve import reserve
from flight_server.stores.usage import UsageStore


@pytest.fixture
def usage(tmp_path: Path) -> Iterator[UsageStore]:
    store = UsageStore.open(tmp_path / "usage.db")
    yield store
    store.close()


def principal(environment: Literal["live", "test"] = "live") -> Principal:
    return Principal(f"hd_{environment}_aaaa", frozenset({"analyst"}), "bot", "custom", {}, environment)


def test_without_limits_the_estimate_is_held(usage: UsageStore) -> None:
    reservation = reserve(principal(), 4.0, Limits(), usage)

    assert (reservation.credits, reservation.counts_for_quota) == (4.0, True)


def test_refuses_an_estimate_above_what_is_left_of_the_month(usage: UsageStore) -> None:
    limits = Limits(credits_per_month=5.0)
    reserve(principal(), 3.0, limits, usage)

    with pytest.raises(QueryRefused) as caught:
        reserve(principal(), 3.0, limits, usage)

    assert caught.value.code is ErrorCode.QUOTA_EXCEEDED
    assert caught.value.rate_limit is not None
    assert caught.value.retry_after is not None


def test_test_keys_have_a_rate_but_no_quota(usage: UsageStore) -> None:
    limits = Limits(requests_per_minute=2, credits_per_month=1.0)

    reservation = reserve(principal("test"), 100.0, limits, usage)
    reserve(principal("test"), 100.0, limits, usage)
    with pytest.raises(QueryRefused) as caught:
        reserve(principal("test"), 100.0, limits, usage)

    assert (reservation.credits, reservation.counts_for_quota) == (0.0, False)
    assert caught.value.code is ErrorCode.RATE_LIMITED


def test_keys_do_not_share_their_rate(usage: UsageStore) -> None:
    limits = Limits(requests_per_minute=1)

    reserve(principal("live"), 1.0, limits, usage)

    assert reserve(principal("test"), 1.0, limits, usage).key_prefix == "hd_test_aaaa"
