"""What one Flight call says of its caller, and the session it belongs to."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

import pyarrow.flight as fl

from flight_server.model import Caller, Credential, Protocol
from flight_server.protocols.flight.sessions import Anchor, owner_of

MIDDLEWARE = "call"
COOKIE = "hatidata-session"


class CallMiddleware(fl.ServerMiddleware):
    """The headers of one call, and what is to happen when the call ends."""

    def __init__(self, headers: Mapping[str, list[Any]]) -> None:
        self.headers = headers
        self._at_end: list[Callable[[], None]] = []

    def at_end(self, action: Callable[[], None]) -> None:
        """Have *action* done when the call is over, however it ends."""
        self._at_end.append(action)

    def call_completed(self, exception: BaseException | None) -> None:
        """Do what was left for the end of the call; pyarrow's hook."""
        for action in self._at_end:
            action()

    def header(self, name: str) -> str:
        """Return the first value of the header *name*, or an empty string."""
        values = self.headers.get(name)
        if not values:
            return ""
        value = values[0]
        return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class CallMiddlewareFactory(fl.ServerMiddlewareFactory):
    """Makes one `CallMiddleware` for each call."""

    def start_call(self, info: fl.CallInfo, headers: Mapping[str, list[Any]]) -> CallMiddleware:
        """Keep the headers of a call; pyarrow's hook."""
        return CallMiddleware(headers)


def call_of(context: fl.ServerCallContext) -> CallMiddleware:
    """Return the middleware of the call that *context* belongs to."""
    return cast(CallMiddleware, context.get_middleware(MIDDLEWARE))


class CallerReader:
    """Reads off a call who asks.

    Args:
        gateway_token: Proves that a call comes from our gateway, whose word on protocol,
            address and query id is then taken.
    """

    def __init__(self, gateway_token: str) -> None:
        self._gateway_token = gateway_token

    def is_gateway(self, call: CallMiddleware) -> bool:
        """Tell whether the call comes from our gateway."""
        token = call.header("x-hatidata-gateway")
        return bool(token) and hmac.compare_digest(token.encode(), self._gateway_token.encode())

    def caller(self, context: fl.ServerCallContext, call: CallMiddleware) -> Caller:
        """Return who asks and from where."""
        protocol, source = "flight", peer_address(context.peer())
        if self.is_gateway(call):
            told = call.header("x-hatidata-protocol")
            protocol = told if told in ("http", "mcp") else protocol
            source = call.header("x-forwarded-for") or source
        override = call.header("x-agent-id") or None
        return Caller(_credential(context, call), override, cast(Protocol, protocol), source)

    def query_id(self, call: CallMiddleware) -> str:
        """Return the id that the gateway chose, or an empty string."""
        return call.header("x-hatidata-query-id") if self.is_gateway(call) else ""

    def anchor(self, context: fl.ServerCallContext, call: CallMiddleware, caller: Caller) -> Anchor | None:
        """Return what the caller's session is found by; None for our gateway, whose calls have none."""
        if self.is_gateway(call):
            return None
        cookie = _cookie(call.header("cookie"))
        names = (f"cookie:{cookie}", f"peer:{context.peer()}") if cookie else (f"peer:{context.peer()}",)
        return Anchor(owner_of(caller), names)


def new_query_id() -> str:
    """Return a fresh query id."""
    return f"qry_{secrets.token_hex(12)}"


def peer_address(peer: str) -> str:
    """Return the address of a gRPC peer such as `ipv4:127.0.0.1:5000` or `ipv6:[::1]:5000`."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return "127.0.0.1"
    return rest.rpartition(":")[0].replace("%5B", "[").replace("%5D", "]").strip("[]")


def _cookie(header: str) -> str:
    """Return our cookie's value in a cookie header, or an empty string."""
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")


def _credential(context: fl.ServerCallContext, call: CallMiddleware) -> Credential | None:
    value = call.header("authorization")
    if not value:
        name = context.peer_identity()
        return Credential("certificate", name.decode()) if name else None
    scheme, _, secret = value.partition(" ")
    if scheme.lower() == "basic":
        return Credential("key", _basic_password(secret.strip()))
    if scheme.lower() in ("bearer", "apikey"):
        return Credential("key", secret.strip())
    return Credential("key", value.strip())


def _basic_password(encoded: str) -> str:
    """Return the password of a Basic credential; Go clients leave out the padding."""
    try:
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded
    return text.partition(":")[2]
