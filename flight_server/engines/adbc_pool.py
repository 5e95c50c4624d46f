"""The connections to one remote engine: few, checked before use, replaced when they break."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flight_server.engines.adbc_errors import unavailable
from flight_server.engines.adbc_link import Link
from flight_server.watcher import Call
from hatidata_settings.engines import EngineSettings

TRUSTED_S = 2.0
"""How long after it answered a connection is used without a check."""
PAUSE_S = 1.0
"""How long after a failure to connect nobody tries again."""
_PROBE = "SELECT 1"


class EnginePool:
    """Lends links; safe for many threads."""

    def __init__(self, settings: EngineSettings, setup: tuple[str, ...] = ()) -> None:
        self._settings = settings
        self._setup = setup
        self._idle: list[Link] = []
        self._free = threading.Condition()
        self._lent = 0
        self._doubted = 0.0
        self._failed = 0.0
        self._why = ""
        self._closed = False

    def lease(self, call: Call | None = None) -> Link:
        """Return a link whose connection has answered lately; `give_back` or `discard` must follow.

        Raises:
            QueryRefused: SERVICE_UNAVAILABLE if the engine does not answer; why the call was stopped.
        """
        self._await_turn(call)
        try:
            while (link := self._pop()) is not None:
                if self._trusts(link) or self._checked(link, call):
                    return link
                link.close()
            return self._opened(call)
        except BaseException:
            self._let_go()
            raise

    def give_back(self, link: Link) -> None:
        """Take back a link whose connection works."""
        link.used = time.monotonic()
        with self._free:
            keep = not self._closed and len(self._idle) < self._settings.connections
            if keep:
                self._idle.append(link)
        if not keep:
            link.close()
        self._let_go()

    def discard(self, link: Link, doubt: bool = False) -> None:
        """Close a link that is broken or busy with something nobody wants; *doubt* has the others checked."""
        if doubt:
            self._doubted = time.monotonic()
        link.close()
        self._let_go()

    def close(self) -> None:
        """Close every link that is not lent out."""
        with self._free:
            self._closed = True
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()

    def _await_turn(self, call: Call | None) -> None:
        with self._free:
            while self._lent >= self._settings.connections:
                self._free.wait(0.05)
                if call is not None:
                    call.check()
            self._lent += 1

    def _let_go(self) -> None:
        with self._free:
            self._lent -= 1
            self._free.notify()

    def _pop(self) -> Link | None:
        with self._free:
            return self._idle.pop() if self._idle else None

    def _trusts(self, link: Link) -> bool:
        return link.used > self._doubted and time.monotonic() - link.used < TRUSTED_S

    def _checked(self, link: Link, call: Call | None) -> bool:
        """Tell whether the connection of *link*, opened if need be, answers a trivial query."""
        answered = link.submit(lambda opened: opened.ask(_PROBE))
        deadline = time.monotonic() + self._settings.connect_secs
        if not _wait(answered.done, deadline, call):
            self._why = f"no answer within {self._settings.connect_secs} s"
            return False
        error = answered.exception()
        self._why = str(error) if error is not None else ""
        return error is None

    def _opened(self, call: Call | None) -> Link:
        name = self._settings.name
        if time.monotonic() - self._failed < PAUSE_S:
            raise unavailable(name, self._why)
        link = Link(self._settings, self._setup)
        try:
            answered = self._checked(link, call)
        except BaseException:
            link.close()
            raise
        if not answered:
            link.close()
            self._failed = time.monotonic()
            raise unavailable(name, self._why)
        self._failed = 0.0
        return link


def _wait(done: Callable[[], bool], deadline: float, call: Call | None) -> bool:
    """Wait until *done*, at most until *deadline*; the call's own stop ends the waiting by its refusal."""
    pause = 0.0005
    while not done():
        if call is not None:
            call.check()
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    return True
