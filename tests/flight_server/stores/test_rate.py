"""Moving windows: of requests, and of failed logins by address."""

from __future__ import annotations

import contextlib

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores.rate import FailureLimiter, RequestRate, WindowStorage, is_loopback


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rate(clock: Clock) -> RequestRate:
    return RequestRate(WindowStorage(clock))


def accepted(
    rate: RequestRate, count: int, per_minute: int | None, burst: int | None, name: str = "a"
) -> int:
    """Return how many of *count* requests are accepted."""
    total = 0
    for _ in range(count):
        with contextlib.suppress(QueryRefused):
            rate.take(name, per_minute, burst)
            total += 1
    return total


def test_accepts_so_many_requests_in_any_minute(rate: RequestRate, clock: Clock) -> None:
    assert accepted(rate, 10, 5, None) == 5
    clock.now += 59
    assert accepted(rate, 10, 5, None) == 0
    clock.now += 1
    assert accepted(rate, 10, 5, None) == 5


def test_a_burst_bounds_the_requests_of_one_second(rate: RequestRate, clock: Clock) -> None:
    assert accepted(rate, 10, 5, 2) == 2
    clock.now += 1
    assert accepted(rate, 10, 5, 2) == 2
    clock.now += 1
    assert accepted(rate, 10, 5, 2) == 1


def test_without_ceilings_everything_passes(rate: RequestRate) -> None:
    assert accepted(rate, 1000, None, None) == 1000


def test_names_do_not_share_a_window(rate: RequestRate) -> None:
    assert accepted(rate, 5, 5, None, "a") == 5
    assert accepted(rate, 5, 5, None, "b") == 5


def test_a_refusal_says_when_to_come_back(rate: RequestRate, clock: Clock) -> None:
    accepted(rate, 5, 5, None)
    clock.now += 20

    with pytest.raises(QueryRefused) as caught:
        rate.take("a", 5, None)

    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert caught.value.rate_limit == (5, 0, clock.now + 40)
    assert caught.value.retry_after is not None


def test_forgets_windows_instead_of_growing_without_bound(clock: Clock) -> None:
    storage = WindowStorage(clock)
    for number in range(25_000):
        storage.acquire_entry(f"address {number}", 5, 60)

    assert storage.reset() <= 10_000  # type: ignore[operator]  # the library's signature allows None


def test_an_address_that_fails_too_often_waits(clock: Clock) -> None:
    failures = FailureLimiter(3, 5, clock)
    for _ in range(3):
        failures.check("192.0.2.1")
        failures.record("192.0.2.1")

    with pytest.raises(QueryRefused) as caught:
        failures.check("192.0.2.1")

    assert caught.value.code is ErrorCode.RATE_LIMITED
    failures.check("192.0.2.2")
    clock.now += 61
    failures.check("192.0.2.1")


def test_this_machine_may_fail_more_often_but_not_for_ever(clock: Clock) -> None:
    failures = FailureLimiter(3, 5, clock)
    for _ in range(5):
        failures.check("127.0.0.1")
        failures.record("127.0.0.1")

    with pytest.raises(QueryRefused):
        failures.check("127.0.0.1")


def test_addresses_of_one_ipv6_network_count_together(clock: Clock) -> None:
    failures = FailureLimiter(2, 5, clock)
    failures.record("2001:db8::1")
    failures.record("2001:db8::2")

    with pytest.raises(QueryRefused):
        failures.check("2001:db8::3")
    failures.check("2001:db8:0:1::3")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_knows_this_machine(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
