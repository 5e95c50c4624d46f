"""The addresses of a running service, collected from its two processes."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

_PROBE_SECS = 2.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The five addresses, as URIs."""

    http: str
    mcp: str
    flight: str
    health: str
    metrics: str

    def as_json(self) -> str:
        """The text of endpoints.json."""
        return json.dumps(asdict(self))


def read_endpoints(path: Path) -> Endpoints | None:
    """Return what endpoints.json says, or None if there is no such file."""
    return _merged([path])


def announced(run: Path) -> Endpoints | None:
    """Return what the two processes announce in HOME/run, or None while one of them has not."""
    return _merged([run / "flight.json", run / "gateway.json"])


def _merged(paths: Iterable[Path]) -> Endpoints | None:
    fields: dict[str, object] = {}
    try:
        for path in paths:
            fields.update(json.loads(path.read_text()))
        return Endpoints(**{name: str(fields[name]) for name in Endpoints.__slots__})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_atomically(path: Path, text: str) -> None:
    """Write *text* so that a reader sees the old file or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def port_of(uri: str) -> int:
    """Return the port of *uri*; 0 if it has none."""
    return urlsplit(uri).port or 0


async def is_ready(gateway: str) -> bool:
    """Return whether GET /ready at the URI *gateway* answers 200 within two seconds."""
    try:
        async with asyncio.timeout(_PROBE_SECS):
            return await _status_of_ready(gateway) == 200
    except (OSError, TimeoutError, ValueError, IndexError, asyncio.IncompleteReadError):
        return False


async def accepts(gateway: str) -> bool:
    """Return whether the URI *gateway* takes connections: all to be learnt without a client certificate."""
    parts = urlsplit(gateway)
    try:
        async with asyncio.timeout(_PROBE_SECS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _status_of_ready(gateway: str) -> int:
    parts = urlsplit(gateway)
    context = _unverified() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    try:
        writer.write(f"GET /ready HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
    finally:
        writer.close()
    return int(line.split()[1])


def _unverified() -> ssl.SSLContext:
    """Return a context that checks no certificate: our own child is asked, for a status alone."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ports_in(endpoints: Endpoints | None) -> Mapping[str, int]:
    """Return the port of each address, so that a restarted child gets the one it had."""
    return {} if endpoints is None else {name: port_of(uri) for name, uri in asdict(endpoints).items()}
