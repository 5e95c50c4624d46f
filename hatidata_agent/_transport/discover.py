"""Finding the way to a service: `/ready` says where its Flight server listens."""

from __future__ import annotations

import json
import math
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from hatidata_agent._transport import Place
from hatidata_agent._transport.http import pool_for, retry_after, translated, unreachable
from hatidata_agent.errors import ServiceUnavailableError

_HERE = frozenset({"0.0.0.0", "::", "127.0.0.1", "::1", "localhost"})
_REACH_SECS = 1.0
_NOT_READY_SECS = 1.0
_UNREACHABLE_SECS = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """Where Flight is, as far as this is known.

    Attributes:
        uri: Empty if Flight cannot be used now.
        good_secs: For how long this is good; then it is worth asking again.
    """

    uri: str
    good_secs: float


def find_flight(place: Place) -> Found:
    """Ask the service where its Flight server is, and whether that can be reached from here.

    Raises:
        ServiceUnavailableError: Nothing answers at *place*, or it says that it is not ready, and why.
    """
    announced = _announced(place)
    if not announced:
        return Found("", _NOT_READY_SECS)
    uri = seen_from_here(announced, place.host)
    parts = urlsplit(uri)
    reached = parts.port is not None and _answers(parts.hostname or "", parts.port)
    return Found(uri, math.inf) if reached else Found("", _UNREACHABLE_SECS)


def seen_from_here(uri: str, host: str) -> str:
    """Return *uri* with *host* in place of a loopback or wildcard address.

    The service announces the address it binds; what is loopback there is the host
    that the user named here.
    """
    parts = urlsplit(uri)
    if parts.hostname not in _HERE:
        return uri
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}:{parts.port}"


def _announced(place: Place) -> str:
    timeout = Timeout(connect=place.connect_timeout, read=place.connect_timeout)
    with pool_for(place) as pool:
        try:
            response = pool.request("GET", f"{place.base_url}/ready", timeout=timeout)
        except ReadTimeoutError:
            raise unreachable(place.base_url, "no answer from the service") from None
        except HTTPError as error:
            raise translated(error, place.base_url) from None
    try:
        fields = json.loads(response.data)
    except ValueError:
        return ""
    if not isinstance(fields, dict):
        return ""
    if fields.get("ready") is False:
        raise ServiceUnavailableError(
            f"the service at {place.base_url} is not ready: {fields.get('reason') or 'it does not say why'}",
            retry_after=retry_after(response.headers),
            sent=False,
        )
    return str(fields.get("flight") or "")


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_REACH_SECS).close()
    except OSError:
        return False
    return True
