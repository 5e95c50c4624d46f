"""Who asks, as the HTTP headers say it; nothing is verified here.

A credential in a form that we do not know is refused rather than dropped: in dev mode a
call without a credential is the administrator's, so dropping one would widen rights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from hatidata_telemetry.context import NO_TRACE, TraceHeaders, trace_headers
from http_gateway.errors import Code, Refused

_KEY: Final = re.compile(r"[\x21-\x7e]{1,512}")
_AGENT: Final = re.compile(r"[\x20-\x7e]{1,256}")


class Headers(Protocol):
    """Request headers, looked up without regard to case."""

    def get(self, name: str, /) -> str | None:
        """Return the value of a header, or None."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What goes to the Flight server about the one who asks."""

    key: str | None = field(repr=False)
    agent_id: str | None
    client_ip: str
    protocol: Literal["http", "mcp"] = "http"
    trace: TraceHeaders = NO_TRACE


def caller_of(headers: Headers, client_ip: str) -> Caller:
    """Return the caller of a request with *headers*.

    Raises:
        Refused: `UNAUTHORIZED` for a credential that no key can look like, `INVALID_REQUEST`
            for an agent id that no header of a Flight call can hold.
    """
    agent_id = _agent_id(headers.get("X-Agent-Id"))
    return Caller(_key(headers), agent_id, client_ip, trace=trace_headers(headers.get))


def _key(headers: Headers) -> str | None:
    given = {key for key in (_authorization(headers), headers.get("X-API-Key")) if key is not None}
    if not given:
        return None
    key = given.pop()
    if given or _KEY.fullmatch(key) is None:
        raise Refused(Code.UNAUTHORIZED)
    return key


def _authorization(headers: Headers) -> str | None:
    value = headers.get("Authorization")
    if value is None:
        return None
    scheme, _, key = value.strip().partition(" ")
    if scheme.lower() not in ("bearer", "apikey"):
        raise Refused(Code.UNAUTHORIZED)
    return key.strip()


def _agent_id(value: str | None) -> str | None:
    if value is not None and _AGENT.fullmatch(value) is None:
        raise Refused(Code.INVALID_REQUEST, "X-Agent-Id must be 1 to 256 printable ASCII characters")
    return value
