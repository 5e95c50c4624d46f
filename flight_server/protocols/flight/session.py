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
from flight_server.protocols.flight.errors import refusals_on_the_wire
from flight_server.protocols.flight.result_file import ResultFile, result_file
from flight_server.protocols.flight.sessions import Anchor, owner_of
from flight_server.protocols.flight.threads import keep_thread_state
from hatidata_telemetry.context import trace_headers

MIDDLEWARE = "call"
COOKIE = "hatidata-session"
SUFFIX_MARK = "~"
UNKNOWN_ADDRESS = "0.0.0.0"
MOST_ENDPOINTS = 64


class CallMiddleware(fl.ServerMiddleware):
    """The headers of one call, and what is to happen when the call ends."""

    def __init__(self, headers: Mapping[str, list[Any]], reply: dict[str, str] | None = None) -> None:
        self.headers = headers
        self.trace = trace_headers(self.header)
        self.when_over: Callable[[BaseException | None], None] | None = None
        self._reply = reply
        self._at_end: list[Callable[[], None]] = []

    def at_end(self, action: Callable[[], None]) -> None:
        """Have *action* done when the call is over, however it ends."""
        self._at_end.append(action)

    def sending_headers(self) -> dict[str, str] | None:
        """Return the headers of the answer; pyarrow's hook, which it may call twice."""
        return self._reply

    def call_completed(self, exception: BaseException | None) -> None:
        """Do what was left for the end of the call; pyarrow's hook."""
        for action in self._at_end:
            action()
        if self.when_over is not None:
            self.when_over(exception)

    def header(self, name: str) -> str:
        """Return the first value of the header *name*, or an empty string."""
        values = self.headers.get(name)
        if not values:
            return ""
        value = values[0]
        return value.decode("latin-1") if isinstance(value, bytes) else str(value)


TraceCall = Callable[[CallMiddleware, str], None]


class CallMiddlewareFactory(fl.ServerMiddlewareFactory):
    """Makes one `CallMiddleware` for each call, and answers Handshake.

    The answer to a Handshake is a token: the key, and the name of a session of its own. So
    nothing has to be remembered, and a token outlives a restart of the server.

    Args:
        identify: Refuses a caller that is nobody.
        trace_call: Begins a span for a call of a method, if traces are on.
    """

    def __init__(self, identify: Callable[[Caller], None], trace_call: TraceCall | None = None) -> None:
        self._identify = identify
        self._trace_call = trace_call

    def start_call(self, info: fl.CallInfo, headers: Mapping[str, list[Any]]) -> CallMiddleware:
        """Keep the headers of a call; pyarrow's hook."""
        keep_thread_state()
        shakes_hands = info.method == fl.FlightMethod.HANDSHAKE
        call = self._shaken(headers) if shakes_hands else CallMiddleware(headers)
        if self._trace_call is not None:
            self._trace_call(call, fl.FlightMethod(info.method).name)
        return call

    def _shaken(self, headers: Mapping[str, list[Any]]) -> CallMiddleware:
        """Return the call of a Handshake, with the token that answers it."""
        with refusals_on_the_wire():
            credential = _credential(CallMiddleware(headers), None)
            self._identify(Caller(credential, None, "flight", UNKNOWN_ADDRESS))
        secret = credential.secret if credential else ""
        token = f"Bearer {secret}{SUFFIX_MARK}{secrets.token_hex(12)}"
        return CallMiddleware(headers, {"authorization": token})


class Handshake(fl.ServerAuthHandler):
    """Lets pyarrow answer the Handshake RPC at all; the middleware does the work.

    A server with an auth handler does not see the name of a client's certificate.
    """

    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        """Leave it to the middleware."""

    def is_valid(self, token: bytes) -> bytes:
        """Accept a call without pyarrow's own kind of token."""
        return b""


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
        read_only = call.header("x-hatidata-read-only") == "1"
        peer: fl.ServerCallContext | None = context
        if self.is_gateway(call):
            peer = None  # the connection's certificate is the gateway's, not the caller's
            told = call.header("x-hatidata-protocol")
            protocol = told if told in ("http", "mcp") else protocol
            source = call.header("x-forwarded-for") or source
        override = call.header("x-agent-id") or None
        return Caller(_credential(call, peer), override, cast(Protocol, protocol), source, read_only)

    def query_id(self, call: CallMiddleware) -> str:
        """Return the id that the gateway chose, or an empty string."""
        return call.header("x-hatidata-query-id") if self.is_gateway(call) else ""

    def file(self, call: CallMiddleware) -> ResultFile | None:
        """Return the file that our gateway lends for a large answer, if it does."""
        header = call.header("x-hatidata-result-file")
        return result_file(header) if header and self.is_gateway(call) else None

    def anchor(self, context: fl.ServerCallContext, call: CallMiddleware, caller: Caller) -> Anchor | None:
        """Return what the caller's session is found by; None for our gateway, whose calls have none."""
        if self.is_gateway(call):
            return None
        cookie = _cookie(call.header("cookie"))
        _, _, token = call.header("authorization").partition(SUFFIX_MARK)
        names = (
            *((f"cookie:{cookie}",) if cookie else ()),
            *((f"token:{token}",) if token else ()),
            f"peer:{context.peer()}",
        )
        return Anchor(owner_of(caller), names[:2] if token else names)

    def endpoints(self, call: CallMiddleware) -> int:
        """Return how many endpoints the header asks for; 0 if it does not."""
        told = call.header("x-hatidata-endpoints")
        return min(int(told), MOST_ENDPOINTS) if told.isascii() and told.isdigit() else 0


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


def _credential(call: CallMiddleware, context: fl.ServerCallContext | None) -> Credential | None:
    value = call.header("authorization")
    if not value:
        name = context.peer_identity() if context else b""
        return Credential("certificate", name.decode()) if name else None
    scheme, _, secret = value.partition(" ")
    if scheme.lower() == "basic":
        return Credential("key", _basic_password(secret.strip()))
    if scheme.lower() in ("bearer", "apikey"):
        key, mark, _ = secret.strip().partition(SUFFIX_MARK)
        return None if mark and not key else Credential("key", key)
    return Credential("key", value.strip())


def _basic_password(encoded: str) -> str:
    """Return the password of a Basic credential; Go clients leave out the padding."""
    try:
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded
    return text.partition(":")[2]
