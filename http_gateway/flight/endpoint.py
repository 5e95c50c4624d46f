"""Where the Flight server is, followed over its restarts.

The port may be another after a restart, so `HOME/run/flight.json` is looked at again and again,
at most every 50 ms, and read when it has been replaced.
"""

from __future__ import annotations

import json
import math
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

TLS_SCHEMES: Final = ("grpc+tls", "grpcs")
PLAIN_SCHEMES: Final = ("grpc", "grpc+tcp", "grpc+unix")
LOOK_SECONDS: Final = 0.05
_FROM_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One incarnation of the Flight server; `generation` tells two on the same port apart."""

    uri: str
    generation: int = 0

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.uri).scheme in TLS_SCHEMES

    @property
    def local(self) -> bool:
        """Whether the server is on this machine for certain."""
        parts = urlsplit(self.uri)
        return parts.scheme == "grpc+unix" or parts.hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def target(self) -> str:
        """The address as gRPC writes it."""
        parts = urlsplit(self.uri)
        return f"unix:{parts.path}" if parts.scheme == "grpc+unix" else parts.netloc


class Whereabouts(Protocol):
    """Something that knows where the Flight server is now."""

    def current(self) -> Endpoint | None:
        """Return the endpoint, or None while there is none."""


@dataclass(frozen=True, slots=True)
class FixedEndpoint:
    """A Flight server at an address from the settings."""

    endpoint: Endpoint

    def current(self) -> Endpoint:
        """Return the address from the settings."""
        return self.endpoint


class EndpointFile:
    """The file that the Flight server writes when it listens."""

    def __init__(self, path: Path, every_seconds: float = LOOK_SECONDS) -> None:
        self._path = path
        self._every_seconds = every_seconds
        self._looked = -math.inf
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._endpoint: Endpoint | None = None

    def current(self) -> Endpoint | None:
        """Return what the file says; None when it is missing or unreadable."""
        now = time.monotonic()
        if now - self._looked < self._every_seconds:
            return self._endpoint
        self._looked = now
        return self._look()

    def _look(self) -> Endpoint | None:
        try:
            status = self._path.stat()
        except OSError:
            self._seen = self._endpoint = None
            return None
        seen = (status.st_mtime_ns, status.st_ino)
        if seen == self._seen:
            return self._endpoint
        return self._read(seen)

    def _read(self, seen: tuple[int, int]) -> Endpoint | None:
        with self._lock:
            uri = _flight_uri(self._path)
            self._endpoint = Endpoint(uri, hash(seen)) if uri else None
            self._seen = seen
            return self._endpoint


def whereabouts(flight_uri: str, run_directory: Path) -> Whereabouts:
    """Return the address from the settings, or the file when there is none."""
    if flight_uri:
        return FixedEndpoint(Endpoint(flight_uri))
    return EndpointFile(run_directory / "flight.json")


def _flight_uri(path: Path) -> str | None:
    try:
        uri = json.loads(path.read_text(encoding="utf-8"))["flight"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    valid = isinstance(uri, str) and urlsplit(uri).scheme in TLS_SCHEMES + PLAIN_SCHEMES
    return _from_here(uri) if valid else None


def _from_here(uri: str) -> str:
    """Return *uri* as it is reached from this machine: no certificate names a wildcard address."""
    parts = urlsplit(uri)
    host = _FROM_HERE.get(parts.hostname or "")
    return uri if host is None else parts._replace(netloc=f"{host}:{parts.port}").geturl()
