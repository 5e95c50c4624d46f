"""Step 1: one semaphore for all protocols, with a bounded first-in first-out queue.

A reader would get this wrong: a slot that becomes free is handed to the first in the
queue, it does not become free for whoever comes first; so a newcomer never overtakes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores.rate import rate_limited, steady_clock
from flight_server.watcher import Call

_RETRY_SECONDS: Final = 1.0


class _Ticket:
    """A place in the queue."""

    __slots__ = ("granted", "woken")

    def __init__(self) -> None:
        self.granted = False
        self.woken = threading.Event()


class Slot:
    """The right to run one query; give it back with `release` or by leaving the `with` block."""

    __slots__ = ("_admission", "_holder", "_released")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._holder = ""
        self._released = False

    def claim(self, key_prefix: str, max_concurrent: int | None) -> None:
        """Count the query as one of its principal's running ones; call it once the limits are known.

        Raises:
            QueryRefused: RATE_LIMITED: the principal already runs *max_concurrent* queries.
        """
        self._admission._count_holder(key_prefix, max_concurrent)
        self._holder = key_prefix

    def release(self) -> None:
        """Give the slot to the next in the queue; harmless when repeated."""
        self._admission._take_back(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Admission:
    """Hands out slots to calls, whatever protocol they came by.

    Args:
        slots: How many queries run at the same time.
        queue: How many may wait for a slot.
    """

    def __init__(self, slots: int, queue: int) -> None:
        self._slots = slots
        self._free = slots
        self._queue_bound = queue
        self._queue: deque[_Ticket] = deque()
        self._holders: dict[str, int] = {}
        self._draining = False
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    @property
    def running(self) -> int:
        """How many slots are taken."""
        return self._slots - self._free

    @property
    def queued(self) -> int:
        """How many calls wait for a slot."""
        return len(self._queue)

    def admit(self, call: Call) -> Slot:
        """Return a slot, after waiting for one if need be; the call's deadline covers the wait.

        Raises:
            QueryRefused: SERVICE_UNAVAILABLE when the queue is full or the server drains;
                otherwise the reason that `call.check` gives.
        """
        with self._lock:
            if self._draining:
                raise _draining()
            if self._free:
                self._free -= 1
                return Slot(self)
            if len(self._queue) >= self._queue_bound:
                raise _unavailable("the queue is full")
            ticket = _Ticket()
            self._queue.append(ticket)
        return self._wait(ticket, call)

    def drain(self) -> None:
        """Admit nobody any more and send those who wait away."""
        with self._lock:
            self._draining = True
            waiting, self._queue = self._queue, deque()
        for ticket in waiting:
            ticket.woken.set()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no slot is taken, at most *timeout* seconds; return whether that is so."""
        with self._lock:
            return self._idle.wait_for(lambda: self._free == self._slots, timeout)

    def _wait(self, ticket: _Ticket, call: Call) -> Slot:
        let_go = call.on_stop(ticket.woken.set)
        try:
            ticket.woken.wait(max(0.0, call.deadline - time.monotonic()))
            call.check()
        except BaseException:
            self._abandon(ticket)
            raise
        finally:
            let_go()
        with self._lock:
            if ticket.granted:
                return Slot(self)
            draining = self._draining
        self._abandon(ticket)
        raise (
            _draining() if draining else QueryRefused(ErrorCode.QUERY_TIMEOUT, detail="timeout in the queue")
        )

    def _abandon(self, ticket: _Ticket) -> None:
        """Leave the queue, or pass on the slot that came too late."""
        with self._lock:
            if ticket.granted:
                self._pass_on()
            elif ticket in self._queue:
                self._queue.remove(ticket)

    def _take_back(self, slot: Slot) -> None:
        with self._lock:
            if slot._released:
                return
            slot._released = True
            self._uncount_holder(slot._holder)
            self._pass_on()

    def _pass_on(self) -> None:
        """Hand a slot to the first who waits, or make it free; the caller has the lock."""
        if self._queue:
            ticket = self._queue.popleft()
            ticket.granted = True
            ticket.woken.set()
            return
        self._free += 1
        if self._free == self._slots:
            self._idle.notify_all()

    def _count_holder(self, key_prefix: str, max_concurrent: int | None) -> None:
        with self._lock:
            held = self._holders.get(key_prefix, 0)
            if max_concurrent is not None and held >= max_concurrent:
                reset = steady_clock() + _RETRY_SECONDS
                raise rate_limited(max_concurrent, 0, reset, f"{key_prefix} already runs {held} queries")
            self._holders[key_prefix] = held + 1

    def _uncount_holder(self, key_prefix: str) -> None:
        left = self._holders.get(key_prefix, 0) - 1
        if left > 0:
            self._holders[key_prefix] = left
        else:
            self._holders.pop(key_prefix, None)


def _unavailable(detail: str) -> QueryRefused:
    return QueryRefused(ErrorCode.SERVICE_UNAVAILABLE, detail=detail, retry_after=_RETRY_SECONDS)


def _draining() -> QueryRefused:
    return _unavailable("the server is draining")
