"""A call of the client on its way to the service, which any thread may stop.

One call may make several requests, one after the other; only the last of them runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from hatidata_agent.errors import QueryCancelledError


class Call:
    """What a program asked for with one method.

    Args:
        traceparent: The trace that it belongs to (W3C), or empty.
    """

    def __init__(self, traceparent: str = "") -> None:
        self.traceparent = traceparent
        self._lock = threading.Lock()
        self._stop: Callable[[], object] | None = None
        self.stopped = False
        """Whether somebody has stopped it."""

    def headers(self) -> dict[str, str]:
        """The headers that say what the call belongs to."""
        return {"traceparent": self.traceparent} if self.traceparent else {}

    def begin(self, stop: Callable[[], object]) -> None:
        """Note that a request leaves, and how it is stopped.

        Raises:
            QueryCancelledError: The call was stopped before.
        """
        with self._lock:
            if self.stopped:
                raise QueryCancelledError("the call was cancelled", sent=False)
            self._stop = stop

    def stop(self) -> None:
        """Stop what runs, here and at the service; nothing more is sent for this call."""
        with self._lock:
            self.stopped = True
            stop, self._stop = self._stop, None
        if stop is not None:
            stop()
