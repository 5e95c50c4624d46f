"""Lines of the operator's log that no caller waits for.

A line costs its formatting, a system call and two changes of Python's lock: for small queries a tenth of
all time. So the lines of queries and requests wait for each other, and one thread writes them together.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

GATHER_SECONDS: Final = 0.02
"""How long a line waits for others; what a process that is killed may leave unwritten."""

MOST_WAITING: Final = 10_000
"""Lines that may wait; who brings one more writes them all, and waits for the log."""

Line = tuple[Callable[..., object], str, dict[str, Any]]


def stamped(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the level and the time, which is that of `at` (seconds since 1970) for a line that waited."""
    at = event.pop("at", None)
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    event["level"] = level
    event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


class LateLines:
    """Writes lines in a thread of its own, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._some = threading.Event()
        self._starting = threading.Lock()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def write(self, write: Callable[..., object], event: str, **members: Any) -> None:
        """Have the structlog method *write* called soon, with the present time."""
        if self._waiting.qsize() >= MOST_WAITING:
            self.flush()
        self._waiting.put((write, event, {"at": time.time(), **members}))
        if not self._some.is_set():
            self._some.set()
        if self._thread is None:
            self._start()

    def flush(self) -> None:
        """Write the lines that wait now, in this thread."""
        with self._writing, suppress(queue.Empty):
            for _ in range(self._waiting.qsize()):
                _write(self._waiting.get_nowait())

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                atexit.register(self.flush)
                self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(GATHER_SECONDS)
            self._some.clear()
            self.flush()


def _write(line: Line) -> None:
    write, event, members = line
    with suppress(OSError, ValueError):  # the log is closed: there is nobody to tell
        write(event, **members)
