"""What is known about a request before its body is read, and where the request keeps it."""

from __future__ import annotations

import random
import socket
import ssl
import time
from dataclasses import dataclass

from flask import g, request

from http_gateway.credentials import Caller, caller_of
from http_gateway.errors import Profile


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        arrived: `time.monotonic()` when the request's head had been read.
        peer: The socket to the caller; None outside gunicorn.
    """

    query_id: str
    arrived: float
    profile: Profile
    peer: socket.socket | None

    @property
    def peer_number(self) -> int | None:
        """The file descriptor of the socket, on which a hang-up can be seen."""
        return None if self.peer is None else self.peer.fileno()

    @property
    def direct_number(self) -> int | None:
        """The same, if bytes may be written to it as they are: not under TLS."""
        return None if isinstance(self.peer, ssl.SSLSocket) else self.peer_number


def new_query_id() -> str:
    """Return an id that no other query has; it is a name, not a secret."""
    return f"qry_{random.getrandbits(96):024x}"  # a system call for each id costs the lock


def begin_exchange(mcp_port: int) -> None:
    """Note what every answer to the present request needs; an app calls it before anything else."""
    native = request.environ.get("SERVER_PORT") == str(mcp_port)
    g.exchange = Exchange(
        query_id=new_query_id(),
        arrived=time.monotonic(),
        profile=Profile.NATIVE if native else Profile.API,
        peer=request.environ.get("gunicorn.socket"),
    )


def this_exchange() -> Exchange:
    """Return what `begin_exchange` noted."""
    exchange: Exchange = g.exchange
    return exchange


def this_caller() -> Caller:
    """Return who sent the present request."""
    return caller_of(request.headers, request.remote_addr or "")
