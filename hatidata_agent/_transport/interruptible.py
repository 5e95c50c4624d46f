"""Ctrl-C during a call into pyarrow.

Python handles a signal in the main thread and between two bytecodes; a call into
pyarrow may wait for half a minute before there is a next one. Calls of the main
thread are therefore made by another thread, for which the main thread waits in
a way that a signal ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class _Worker:
    """A thread that makes one call after another; it never keeps the process alive."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._run, name="hatidata-calls", daemon=True).start()

    def make(self, action: Callable[[], T]) -> Future[T]:
        """Start *action*; the worker is idle again just before the result is there."""
        future: Future[T] = Future()

        def call() -> None:
            try:
                value = action()
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
                _idle.append(self)
                future.set_exception(error)
            else:
                _idle.append(self)
                future.set_result(value)

        self._calls.put(call)
        return future

    def _run(self) -> None:
        while True:
            self._calls.get()()


_idle: list[_Worker] = []


def interruptible(action: Callable[[], T], discard: Callable[[T], object] = lambda _: None) -> T:
    """Return what *action* returns; in the main thread a signal ends the wait for it.

    Args:
        action: What may block for long.
        discard: What to do with a result that comes when nobody waits for it any more.
    """
    if threading.current_thread() is not threading.main_thread():
        return action()
    worker = _idle.pop() if _idle else _Worker()
    future = worker.make(action)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.add_done_callback(lambda done: done.exception() or discard(done.result()))
        raise
