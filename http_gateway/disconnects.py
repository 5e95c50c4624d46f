"""One thread that notices when a waiting caller hangs up.

gunicorn looks at a socket only between requests. A query may run for minutes before the
first byte of its answer is written, so nobody would notice that its caller has left.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_HANG_UP: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR | select.EPOLLONESHOT


class Disconnects:
    """Calls a function when the peer of a watched socket closes it."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._lock = threading.Lock()
        self._actions: dict[int, Callable[[], None]] = {}
        self._stop_read, self._stop_write = os.pipe()
        self._poll.register(self._stop_read, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="disconnects", daemon=True)
        self._thread.start()

    @contextmanager
    def watching(self, socket_number: int | None, action: Callable[[], None]) -> Iterator[None]:
        """Call *action* once if the peer hangs up inside the block; None watches nothing."""
        if socket_number is None:
            yield
            return
        with self._lock:
            self._actions[socket_number] = action
        self._poll.register(socket_number, _HANG_UP)
        try:
            yield
        finally:
            with suppress(ValueError):  # closed: the process is ending
                self._poll.unregister(socket_number)
            with self._lock:
                self._actions.pop(socket_number, None)

    def close(self) -> None:
        """Stop the thread."""
        os.write(self._stop_write, b"x")
        self._thread.join()
        self._poll.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _run(self) -> None:
        while True:
            for number, _ in self._poll.poll():
                if number == self._stop_read:
                    return
                self._hung_up(number)

    def _hung_up(self, number: int) -> None:
        with self._lock:
            action = self._actions.pop(number, None)
            if action is not None:
                action()
