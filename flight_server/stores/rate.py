"""Requests in moving windows: the ceilings of a key, and of failed logins from one address.

The algorithm is the moving window of the `limits` package; the storage is ours, because
windows survive a restart (`UsageStore` keeps them) and because the package's own memory
storage starts a thread every hundredth of a second under load.
"""

from __future__ import annotations

import functools
import ipaddress
import math
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter

from flight_server.errors import ErrorCode, QueryRefused

_MAX_WINDOWS: Final = 10_000
_LONGEST_SECONDS: Final = 60
_STARTED: Final = time.time() - time.monotonic()

per_minute = functools.lru_cache(maxsize=1024)(RateLimitItemPerMinute)
per_second = functools.lru_cache(maxsize=1024)(RateLimitItemPerSecond)


def steady_clock() -> float:
    """Return seconds since the epoch that never run backwards while the process lives."""
    return _STARTED + time.monotonic()


class WindowStorage(Storage, MovingWindowSupport):
    """The moments of the requests in every window, newest last, at most a minute old.

    Args:
        clock: Seconds since the epoch.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = steady_clock) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, deque[float]] = {}
        self._changed: set[str] = set()

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Nothing here can fail in a way that `limits` would have to translate."""
        return ()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count *amount* requests in the window *key* unless that makes it more than *limit*."""
        now = self._clock()
        with self._lock:
            window = self._window(key, now - expiry)
            if len(window) + amount > limit:
                return False
            window.extend([now] * amount)
            self._changed.add(key)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the oldest request of the window was made, and how many there are."""
        now = self._clock()
        with self._lock:
            window = self._window(key, now - expiry)
            return (window[0] if window else now), len(window)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count *amount* requests in the window without a ceiling and return how many it holds."""
        now = self._clock()
        with self._lock:
            window = self._window(key, now - expiry)
            window.extend([now] * amount)
            return len(window)

    def get(self, key: str) -> int:
        """Return how many requests of the last minute the window holds."""
        return self.get_moving_window(key, 0, _LONGEST_SECONDS)[1]

    def get_expiry(self, key: str) -> float:
        """Return when the oldest request leaves the window."""
        return self.get_moving_window(key, 0, _LONGEST_SECONDS)[0] + _LONGEST_SECONDS

    def check(self) -> bool:
        """Say that the storage works."""
        return True

    def reset(self) -> int | None:
        """Forget everything and return how many windows there were."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
            return count

    def clear(self, key: str) -> None:
        """Forget one window."""
        with self._lock:
            self._windows.pop(key, None)

    def take_changes(self) -> dict[str, bytes]:
        """Return the windows that changed since the last call, as arrays of doubles."""
        with self._lock:
            changed, self._changed = self._changed, set()
            return {key: array("d", self._windows.get(key, ())).tobytes() for key in changed}

    def restore(self, saved: Mapping[str, bytes]) -> None:
        """Put back what `take_changes` returned, without what is older than a minute or in the future."""
        now = self._clock()
        for key, data in saved.items():
            moments = array("d", data)
            self._windows[key] = deque(when for when in moments if now - _LONGEST_SECONDS < when <= now)

    def _window(self, key: str, edge: float) -> deque[float]:
        window = self._windows.get(key)
        if window is None:
            self._make_room(edge)
            window = self._windows[key] = deque()
        while window and window[0] <= edge:
            window.popleft()
        return window

    def _make_room(self, edge: float) -> None:
        """Drop the windows in which nothing happened lately, and if need be the older half."""
        if len(self._windows) < _MAX_WINDOWS:
            return
        live = {key: window for key, window in self._windows.items() if window and window[-1] > edge}
        surplus = len(live) - _MAX_WINDOWS // 2
        for key in sorted(live, key=lambda name: live[name][-1])[: max(0, surplus)]:
            del live[key]
        self._windows = live


class RequestRate:
    """Requests per minute, and per second as the burst, of each name.

    Args:
        storage: Where the windows are; several users may share one.
    """

    def __init__(self, storage: WindowStorage) -> None:
        self._storage = storage
        self._limiter = MovingWindowRateLimiter(storage)

    def take(self, name: str, requests_per_minute: int | None, burst: int | None) -> None:
        """Count one request of *name*; a request that is refused counts nowhere but in the burst.

        Raises:
            QueryRefused: RATE_LIMITED, with the time after which there is room again.
        """
        if burst is not None and not self._limiter.hit(per_second(burst), "burst", name):
            raise self._refusal(per_second(burst), "burst", name)
        if requests_per_minute is None:
            return
        if not self._limiter.hit(per_minute(requests_per_minute), "rate", name):
            raise self._refusal(per_minute(requests_per_minute), "rate", name)

    def _refusal(
        self, item: RateLimitItemPerMinute | RateLimitItemPerSecond, kind: str, name: str
    ) -> QueryRefused:
        reset, remaining = self._limiter.get_window_stats(item, kind, name)
        return rate_limited(item.amount, max(0, remaining), reset, f"{item} of {name}")


class FailureLimiter:
    """Failed logins by address; an address with too many waits before anything is hashed again.

    IPv6 addresses count by their /64 network, since a single host owns one.

    Args:
        per_minute_limit: Failures of one address within a minute.
        loopback_limit: The same for this machine, where the gateway and many clients share an address.
    """

    def __init__(
        self,
        per_minute_limit: int = 20,
        loopback_limit: int = 1000,
        clock: Callable[[], float] = steady_clock,
    ) -> None:
        self._limits = {False: per_minute(per_minute_limit), True: per_minute(loopback_limit)}
        self._limiter = MovingWindowRateLimiter(WindowStorage(clock))

    def check(self, address: str) -> None:
        """Refuse an address that failed too often.

        Raises:
            QueryRefused: RATE_LIMITED.
        """
        item, network = self._place(address)
        if self._limiter.test(item, "failures", network):
            return
        reset, remaining = self._limiter.get_window_stats(item, "failures", network)
        raise rate_limited(item.amount, max(0, remaining), reset, f"failed logins from {network}")

    def record(self, address: str) -> None:
        """Count one failure."""
        item, network = self._place(address)
        self._limiter.hit(item, "failures", network)

    def _place(self, address: str) -> tuple[RateLimitItemPerMinute, str]:
        return self._limits[is_loopback(address)], _network(address)


@functools.lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Whether *address* is this machine; what is no address is not."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def rate_limited(limit: int, remaining: int, reset: float, detail: str) -> QueryRefused:
    """Make the refusal of a request above a ceiling; *reset* is in seconds since the epoch."""
    wait = max(1.0, math.ceil(reset - steady_clock()))
    triple = (limit, remaining, math.ceil(reset))
    return QueryRefused(ErrorCode.RATE_LIMITED, detail=detail, retry_after=wait, rate_limit=triple)


@functools.lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
