"""Stops queries whose caller is gone, whose deadline passed, or that the server must let go.

One thread looks after all running calls. A call's liveness is only asked under
the registry's lock, and leaving the registry takes that lock too, so nothing
touches a gRPC context after its handler has returned (which would crash).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from flight_server.errors import ErrorCode, QueryRefused
from hatidata_telemetry.context import TraceHeaders

INTERVAL_S = 0.02
IDLE_LOOKS = 50
"""After how many looks at no call the thread waits to be woken: waking it costs a small query dear."""
STUCK_S = 1.0
"""How long a stopped call may take to end by itself; one whose reader does not read never does."""


class Call:
    """One query in flight, with its deadline and the reason it must stop, if any.

    Args:
        deadline: `time.monotonic()` after which it is stopped; queueing counts.
        is_gone: Tells whether the caller has left; asked by the watcher's thread.
        trace: Returns the trace that a remote engine is to go on with; to be asked when it is called.

    Attributes:
        pin_ms: How long the engine took to pin the state that the query reads.
    """

    def __init__(
        self,
        deadline: float,
        is_gone: Callable[[], bool] | None = None,
        trace: Callable[[], TraceHeaders] = tuple,
    ) -> None:
        self.deadline = deadline
        self.trace = trace
        self.pin_ms = 0.0
        self._stopped_at = 0.0
        self._when_stuck: Callable[[], None] | None = None
        self._is_gone = is_gone
        self._reason: ErrorCode | None = None
        self._interrupts: list[Callable[[], None]] = []
        self._stopped = threading.Event()

    @property
    def reason(self) -> ErrorCode | None:
        """Why the call must stop, or None."""
        return self._reason

    def pinned(self, since: float) -> None:
        """Note that the engine has pinned a state, at which it was *since* that `time.perf_counter()`."""
        self.pin_ms = (time.perf_counter() - since) * 1000

    def wait(self, seconds: float) -> bool:
        """Wait until the call is stopped, at most *seconds*; tell whether it is."""
        return self._stopped.wait(seconds)

    def stop(self, reason: ErrorCode) -> None:
        """Stop the call for *reason*; the first reason stays."""
        if self._reason is None:
            self._stopped_at = time.monotonic()
            self._reason = reason
        self._stopped.set()
        for interrupt in tuple(self._interrupts):
            with suppress(Exception):  # what cannot be interrupted has ended, such as a closed connection
                interrupt()

    def check(self) -> None:
        """Raise the refusal that says why the call must stop, if it must."""
        if self._reason is None and time.monotonic() >= self.deadline:
            self.stop(ErrorCode.QUERY_TIMEOUT)
        if self._reason is not None:
            raise QueryRefused(self._reason)

    def on_stop(self, interrupt: Callable[[], None]) -> Callable[[], None]:
        """Have *interrupt* called when the call stops, until it is let go; return the letting go."""
        self._interrupts.append(interrupt)
        if self._stopped.is_set():
            interrupt()

        def let_go() -> None:
            if interrupt in self._interrupts:
                self._interrupts.remove(interrupt)

        return let_go

    def when_stuck(self, action: Callable[[], None]) -> None:
        """Have *action* done, once, if the call is stopped and does not end."""
        self._when_stuck = action

    def take_stuck(self, now: float) -> Callable[[], None] | None:
        """Return what is to be done if the call is stopped but has not ended for too long."""
        if self._reason is None or now - self._stopped_at < STUCK_S:
            return None
        action, self._when_stuck = self._when_stuck, None
        return action

    def look(self, now: float) -> None:
        """Stop the call if its time is over or its caller has gone; interrupt again if it is stopped.

        An interrupt that reaches the engine between two statements is lost, hence again.
        """
        if self._reason is not None:
            self.stop(self._reason)
        elif now >= self.deadline:
            self.stop(ErrorCode.QUERY_TIMEOUT)
        elif self._has_left():
            self.stop(ErrorCode.QUERY_CANCELLED)

    def _has_left(self) -> bool:
        """Tell whether the caller has left; one of whom nothing can be found out has."""
        try:
            return self._is_gone is not None and self._is_gone()
        except Exception:  # noqa: BLE001  # a background loop: one call's trouble is no other's
            return True


class Watcher:
    """The thread that looks after all calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[Call] = set()
        self._work = threading.Event()
        self._waits = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> int:
        """How many calls are in flight."""
        return len(self._calls)

    def watch(self, call: Call) -> None:
        """Look after *call* from now on."""
        with self._lock:
            self._calls.add(call)
            waits = self._waits
        if waits:
            self._work.set()

    def forget(self, call: Call) -> None:
        """Let *call* go; its liveness is not asked any more once this returns."""
        with self._lock:
            self._calls.discard(call)

    def stop_all(self, reason: ErrorCode) -> None:
        """Stop every call in flight."""
        with self._lock:
            calls = tuple(self._calls)
        for call in calls:
            call.stop(reason)

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._work.set()
        self._thread.join()

    def _run(self) -> None:
        idle = 0
        while not self._closed:
            idle = 0 if self._calls else idle + 1
            if idle > IDLE_LOOKS:
                self._wait()
                idle = 0
            self._look(time.monotonic())
            time.sleep(INTERVAL_S)

    def _wait(self) -> None:
        """Wait until there is a call to look after, or until the end."""
        with self._lock:
            self._waits = not self._calls
        if self._waits and not self._closed:
            self._work.wait()
        self._waits = False
        self._work.clear()

    def _look(self, now: float) -> None:
        with self._lock:
            for call in self._calls:
                call.look(now)
            stuck = [action for call in self._calls if (action := call.take_stuck(now))]
        for action in stuck:
            threading.Thread(target=action, name="stuck", daemon=True).start()
