"""The way to one service: found when it is first needed, looked for anew when it is lost."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Literal, TypeVar

from hatidata_agent._transport import Place, Transport
from hatidata_agent.calls import Call
from hatidata_agent.errors import HatiDataError, QueryCancelledError, ServiceUnavailableError

T = TypeVar("T")
Route = Literal["auto", "flight", "http"]

_LONGEST_WAIT_SECS = 5.0


class Connection:
    """A transport that is shared by the threads of a program.

    Args:
        route: `auto`, or one of the two transports by force.
        retries: How often a request is sent again when the service cannot have acted on it.
    """

    def __init__(self, place: Place, route: Route, retries: int) -> None:
        self.place = place
        self._route: Route = route
        self._retries = retries
        self._lock = threading.Lock()
        self._open: Transport | None = None
        self._good_until = 0.0

    def attempt(self, action: Callable[[Transport], T], call: Call) -> T:
        """Do *action*, again where the service cannot have acted on the first one.

        Whoever waited as long as a connection may take is told what is wrong instead.
        """
        patience = time.monotonic() + self.place.connect_timeout
        for left in range(self._retries, -1, -1):
            try:
                return action(self._connected())
            except HatiDataError as error:
                if call.stopped:
                    raise QueryCancelledError("the call was cancelled", query_id=error.query_id) from None
                wait = _wait_before_retry(error)
                if error.code == "SERVICE_UNAVAILABLE":
                    self._forget()
                unreached = error.code == "SERVICE_UNAVAILABLE" and not error.sent
                if left == 0 or wait is None or (unreached and time.monotonic() + wait > patience):
                    raise
                time.sleep(wait)
        raise AssertionError("the loop returns or raises")

    def close(self) -> None:
        """Release what is open; the next request opens it again."""
        with self._lock:
            transport, self._open = self._open, None
        if transport is not None:
            transport.close()

    def _connected(self) -> Transport:
        with self._lock:
            if self._open is None or time.monotonic() > self._good_until:
                self._open, good_secs = _connect(self.place, self._route)
                self._good_until = time.monotonic() + good_secs
            return self._open

    def _forget(self) -> None:
        """Look for the service anew at the next query; other threads finish with what they have."""
        with self._lock:
            self._open = None


def _connect(place: Place, route: Route) -> tuple[Transport, float]:
    """Return a transport and for how many seconds it is the right one."""
    from hatidata_agent._transport.discover import find_flight
    from hatidata_agent._transport.http import HttpTransport

    if route == "http":
        return HttpTransport(place), math.inf
    found = find_flight(place)
    if not found.uri and route == "flight":
        raise ServiceUnavailableError("the service's Flight server is out of reach", sent=False)
    if not found.uri:
        return HttpTransport(place), found.good_secs
    from hatidata_agent._transport.flight import FlightTransport

    return FlightTransport(found.uri, place), found.good_secs


def _wait_before_retry(error: HatiDataError) -> float | None:
    """Return the seconds to wait, or None if sending again is not safe or not worth it."""
    if error.code == "SERVICE_UNAVAILABLE" and not error.sent and error.retry_after is None:
        return 0.2
    if error.code in {"SERVICE_UNAVAILABLE", "RATE_LIMITED"} and error.retry_after is not None:
        return error.retry_after if error.retry_after <= _LONGEST_WAIT_SECS else None
    return None
