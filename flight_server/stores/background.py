"""A task that runs every so often in its own thread, and once more when it is closed.

A failure of the task is logged and the next turn comes as usual; the same failure
again and again is logged once, so that a full disk does not fill the log as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog


class Ticker:
    """Calls *task* every *interval* seconds until it is closed.

    Args:
        name: Name of the thread, and of the task in the log.
        interval: Seconds between two calls.
        task: What to do; it must be safe to call from another thread.
    """

    def __init__(self, name: str, interval: float, task: Callable[[], None]) -> None:
        self._task = task
        self._interval = interval
        self._log = structlog.get_logger("background").bind(task=name)
        self._last_fault = ""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, wait for the turn under way, and do the task one last time; harmless when repeated."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._thread.join()
        self._turn()

    def _run(self) -> None:
        while not self._closed.wait(self._interval):
            self._turn()

    def _turn(self) -> None:
        try:
            self._task()
        except Exception as fault:  # noqa: BLE001 - a background loop outlives every failure of its task
            self._report(f"{type(fault).__name__}: {fault}")
        else:
            self._last_fault = ""

    def _report(self, fault: str) -> None:
        if fault != self._last_fault:
            self._last_fault = fault
            self._log.error("background task failed", fault=fault)
