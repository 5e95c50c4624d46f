"""Which fetches run, so that another call can cancel them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from flight_server.errors import ErrorCode, QueryRefused

MOST_REMEMBERED = 4096


class Running:
    """The queries whose tickets are out, by query id; the oldest are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fetched: OrderedDict[tuple[str, str], threading.Event] = OrderedDict()
        self._active: set[tuple[str, str]] = set()

    def start(
        self, owner: str, query_id: str, is_gone: Callable[[], bool]
    ) -> tuple[bool, Callable[[], bool]]:
        """Note that a fetch begins; tell whether it is the first, and how it learns that it must stop.

        Raises:
            QueryRefused: QUERY_CANCELLED: it was cancelled before it began.
        """
        key = (owner, query_id)
        with self._lock:
            stop = self._fetched.get(key)
            if stop is not None and stop.is_set():
                raise QueryRefused(ErrorCode.QUERY_CANCELLED, detail="the ticket was cancelled")
            first = stop is None
            if stop is None:
                stop = self._fetched[key] = threading.Event()
            while len(self._fetched) > MOST_REMEMBERED:
                self._fetched.popitem(last=False)
            self._active.add(key)
        cancelled = stop.is_set
        return first, lambda: cancelled() or is_gone()

    def end(self, owner: str, query_id: str) -> None:
        """Note that a fetch is over."""
        with self._lock:
            self._active.discard((owner, query_id))

    def forget(self, owner: str, query_id: str) -> None:
        """Note that a fetch is over and will not come again."""
        with self._lock:
            self._active.discard((owner, query_id))
            self._fetched.pop((owner, query_id), None)

    def cancel(self, owner: str, query_id: str) -> bool:
        """Stop a fetch, now or when it comes; tell whether one was running."""
        key = (owner, query_id)
        with self._lock:
            stop = self._fetched.get(key)
            if stop is None:
                stop = self._fetched[key] = threading.Event()
            stop.set()
            while len(self._fetched) > MOST_REMEMBERED:
                self._fetched.popitem(last=False)
            return key in self._active
