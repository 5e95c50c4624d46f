"""The watcher stops calls in time, and never touches one that was let go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.watcher import INTERVAL_S, Call, Watcher

LONG = 60.0


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher() as running:
        yield running


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_a_call_past_its_deadline_is_stopped(watcher: Watcher) -> None:
    call = Call(time.monotonic() + 0.05)
    watcher.watch(call)

    assert call.wait(1)
    assert call.reason is ErrorCode.QUERY_TIMEOUT


def test_a_call_whose_caller_left_is_stopped(watcher: Watcher) -> None:
    gone = threading.Event()
    call = Call(time.monotonic() + LONG, gone.is_set)
    watcher.watch(call)
    stopped_before = call.wait(3 * INTERVAL_S)
    gone.set()

    assert not stopped_before
    assert call.wait(1)
    assert call.reason is ErrorCode.QUERY_CANCELLED


def test_stopping_all_stops_every_call(watcher: Watcher) -> None:
    calls = [Call(time.monotonic() + LONG) for _ in range(5)]
    for call in calls:
        watcher.watch(call)
    watcher.stop_all(ErrorCode.SERVICE_UNAVAILABLE)

    assert [call.reason for call in calls] == [ErrorCode.SERVICE_UNAVAILABLE] * 5
    assert watcher.running == 5


def test_a_forgotten_call_is_not_asked_any_more(watcher: Watcher) -> None:
    """A gRPC context must not be touched after its handler has returned."""
    for _ in range(20):
        forgotten = threading.Event()
        touched_late: list[bool] = []

        def is_gone(let_go: threading.Event = forgotten, late: list[bool] = touched_late) -> bool:
            time.sleep(0.001)
            late += [True] if let_go.is_set() else []
            return False

        call = Call(time.monotonic() + LONG, is_gone)
        watcher.watch(call)
        time.sleep(INTERVAL_S * 1.1)
        watcher.forget(call)
        forgotten.set()
        time.sleep(INTERVAL_S / 2)

        assert touched_late == []


def test_one_call_that_fails_to_stop_keeps_no_other_from_stopping(watcher: Watcher) -> None:
    """An interrupt of a connection that was closed just now raises."""

    def fail() -> NoReturn:
        raise RuntimeError("closed")

    broken, unsure = Call(time.monotonic() + 0.02), Call(time.monotonic() + LONG, fail)
    broken.on_stop(fail)
    watcher.watch(broken)
    watcher.watch(unsure)
    time.sleep(0.1)
    sound = Call(time.monotonic() + 0.02)
    watcher.watch(sound)

    assert sound.wait(1)


def test_stopping_all_goes_on_after_one_that_fails(watcher: Watcher) -> None:
    def fail() -> None:
        raise RuntimeError("closed")

    calls = [Call(time.monotonic() + LONG) for _ in range(3)]
    for call in calls:
        call.on_stop(fail)
        watcher.watch(call)
    watcher.stop_all(ErrorCode.SERVICE_UNAVAILABLE)

    assert [call.reason for call in calls] == [ErrorCode.SERVICE_UNAVAILABLE] * 3


def test_a_forgotten_call_is_not_interrupted(watcher: Watcher) -> None:
    interrupted: list[bool] = []
    call = Call(time.monotonic() + 0.05)
    call.on_stop(lambda: interrupted.append(True))
    watcher.watch(call)
    watcher.forget(call)

    assert not within(0.15, lambda: bool(interrupted))


def test_a_lost_interrupt_is_sent_again(watcher: Watcher) -> None:
    """One that reaches the engine between two statements has no effect."""
    interrupts: list[float] = []
    call = Call(time.monotonic() + LONG)
    call.on_stop(lambda: interrupts.append(time.monotonic()))
    watcher.watch(call)
    call.stop(ErrorCode.QUERY_CANCELLED)

    assert within(1, lambda: len(interrupts) >= 4)


def test_the_first_reason_stays() -> None:
    call = Call(time.monotonic() + LONG)
    call.stop(ErrorCode.QUERY_CANCELLED)
    call.stop(ErrorCode.SERVICE_UNAVAILABLE)

    assert call.reason is ErrorCode.QUERY_CANCELLED
    with pytest.raises(QueryRefused) as refused:
        call.check()
    assert refused.value.code is ErrorCode.QUERY_CANCELLED


def test_a_call_notices_its_own_deadline() -> None:
    with pytest.raises(QueryRefused) as refused:
        Call(time.monotonic() - 1).check()

    assert refused.value.code is ErrorCode.QUERY_TIMEOUT


def test_a_call_in_time_is_not_refused() -> None:
    call = Call(time.monotonic() + LONG)

    call.check()

    assert call.reason is None


def test_who_comes_after_the_stop_is_interrupted_at_once() -> None:
    interrupted: list[bool] = []
    call = Call(time.monotonic() + LONG)
    call.stop(ErrorCode.QUERY_CANCELLED)
    call.on_stop(lambda: interrupted.append(True))

    assert interrupted == [True]


def test_an_interrupt_that_was_let_go_is_not_called() -> None:
    interrupted: list[str] = []
    call = Call(time.monotonic() + LONG)
    let_go = call.on_stop(lambda: interrupted.append("first"))
    call.on_stop(lambda: interrupted.append("second"))
    let_go()
    let_go()
    call.stop(ErrorCode.QUERY_CANCELLED)

    assert interrupted == ["second"]


def test_it_takes_new_calls_after_a_time_without_any(watcher: Watcher) -> None:
    for _ in range(3):
        call = Call(time.monotonic() + 0.03)
        watcher.watch(call)
        stopped = call.wait(1)
        watcher.forget(call)

        assert stopped
        assert watcher.running == 0
        time.sleep(3 * INTERVAL_S)


def test_closing_ends_its_thread() -> None:
    before = threading.active_count()
    watcher = Watcher()
    watcher.watch(Call(time.monotonic() + LONG))
    watcher.close()

    assert threading.active_count() == before
