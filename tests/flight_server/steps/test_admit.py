"""Slots and the queue in front of them, with real threads and real calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.steps.admit import Admission, Slot
from flight_server.watcher import Call


def call(seconds: float = 10.0) -> Call:
    return Call(time.monotonic() + seconds)


def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    give_up = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.001)


class Waiter:
    """A call that waits for a slot in a thread of its own."""

    def __init__(self, admission: Admission, wanted: Call) -> None:
        self.result: Slot | QueryRefused | None = None
        self.thread = threading.Thread(target=self.run, args=(admission, wanted))
        before = admission.queued
        self.thread.start()
        until(lambda: admission.queued > before or self.result is not None)

    def run(self, admission: Admission, wanted: Call) -> None:
        try:
            self.result = admission.admit(wanted)
        except QueryRefused as refusal:
            self.result = refusal

    def outcome(self) -> Slot | ErrorCode | None:
        self.thread.join(5)
        return self.result.code if isinstance(self.result, QueryRefused) else self.result


def test_takes_and_gives_back_a_slot() -> None:
    admission = Admission(2, 0)

    with admission.admit(call()):
        assert admission.running == 1

    assert admission.running == 0


def test_giving_back_twice_frees_one_slot_only() -> None:
    admission = Admission(2, 0)
    first, _second = admission.admit(call()), admission.admit(call())

    first.release()
    first.release()

    assert admission.running == 1


def test_refuses_when_the_queue_is_full() -> None:
    admission = Admission(1, 1)
    slot = admission.admit(call())
    waiting = Waiter(admission, call())

    with pytest.raises(QueryRefused) as caught:
        admission.admit(call())

    assert (caught.value.code, caught.value.retry_after) == (ErrorCode.SERVICE_UNAVAILABLE, 1)
    slot.release()
    assert isinstance(waiting.outcome(), Slot)


def test_serves_the_queue_in_its_order() -> None:
    admission = Admission(1, 10)
    slot = admission.admit(call())
    waiters = [Waiter(admission, call()) for _ in range(5)]

    for waiter in waiters:
        slot.release()
        found = waiter.outcome()
        assert isinstance(found, Slot)
        slot = found

    assert (admission.running, admission.queued) == (1, 0)


def test_the_deadline_covers_the_wait() -> None:
    admission = Admission(1, 10)
    admission.admit(call())
    started = time.monotonic()

    with pytest.raises(QueryRefused, match="QUERY_TIMEOUT"):
        admission.admit(call(0.1))

    assert time.monotonic() - started < 1
    assert admission.queued == 0


def test_a_stopped_call_leaves_the_queue_at_once() -> None:
    admission = Admission(1, 10)
    admission.admit(call())
    wanted = call()
    waiting = Waiter(admission, wanted)

    wanted.stop(ErrorCode.QUERY_CANCELLED)

    assert waiting.outcome() is ErrorCode.QUERY_CANCELLED
    assert admission.queued == 0


def test_a_slot_that_reaches_a_stopped_call_goes_to_the_next() -> None:
    admission = Admission(1, 10)
    slot = admission.admit(call())
    wanted = call()
    wanted.stop(ErrorCode.QUERY_CANCELLED)
    with pytest.raises(QueryRefused, match="QUERY_CANCELLED"):
        admission.admit(wanted)

    slot.release()

    assert admission.running == 0


def test_draining_sends_newcomers_and_those_who_wait_away() -> None:
    admission = Admission(1, 10)
    slot = admission.admit(call())
    waiting = Waiter(admission, call())

    admission.drain()

    assert waiting.outcome() is ErrorCode.SERVICE_UNAVAILABLE
    with pytest.raises(QueryRefused, match="SERVICE_UNAVAILABLE"):
        admission.admit(call())
    assert not admission.wait_idle(0.01)
    slot.release()
    assert admission.wait_idle(1)


def test_a_principal_has_a_ceiling_of_its_own() -> None:
    admission = Admission(10, 0)
    first, second = admission.admit(call()), admission.admit(call())
    first.claim("key", 1)

    with pytest.raises(QueryRefused) as caught:
        second.claim("key", 1)

    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert caught.value.rate_limit is not None
    second.claim("other", 1)
    second.release()
    first.release()
    with admission.admit(call()) as slot:
        slot.claim("key", 1)


def test_many_threads_never_exceed_the_slots() -> None:
    admission = Admission(4, 1000)
    running, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most
        for _ in range(50):
            with admission.admit(call()):
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0)
                with lock:
                    running -= 1

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most <= 4
    assert (admission.running, admission.queued) == (0, 0)
