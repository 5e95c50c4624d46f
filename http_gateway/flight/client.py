"""The one client of the Flight server that all requests share.

A gRPC channel is made anew when the endpoint has a new incarnation. The old channel is
dropped, not closed: closing would cut the answers that are still running on it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import grpc

from hatidata_telemetry.context import UNTRACED
from http_gateway.credentials import Caller
from http_gateway.errors import Code, Refused
from http_gateway.flight.endpoint import Endpoint, Whereabouts
from http_gateway.flight.errors import refusal_of
from http_gateway.flight.messages import (
    FlightData,
    Malformed,
    action_bytes,
    command_ticket_bytes,
    flight_data,
    question_bytes,
    result_body,
    ticket_bytes,
)
from http_gateway.receipt import Receipt, parse_receipt
from http_gateway.request_body import QueryBody

SERVICE: Final = "/arrow.flight.protocol.FlightService/"
READY_ACTION: Final = "hatidata.ready"
USAGE_ACTION: Final = "hatidata.usage"
RECHECK_ACTION: Final = "hatidata.recheck"
BROWSE_SECONDS: Final = 30.0
USAGE_SECONDS: Final = 10.0
"""Usage is answered from memory; a server that takes longer is frozen."""

DEADLINE_GRACE_SECONDS: Final = 2.0
"""How much later than the Flight server's own deadline a call is given up."""

_CHANNEL_OPTIONS: Final[Sequence[tuple[str, int]]] = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 65_536),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("SingleThreadedUnaryStream", 1),
)


class Answers(Protocol):
    """A running call with one request and many answers, as gRPC returns it."""

    def __iter__(self) -> Iterator[bytes]:
        """Wait for the answers one by one."""

    def cancel(self) -> object:
        """End the call."""


Method = Callable[..., Answers]
"""A gRPC method: takes the request and, by name, `timeout` and `metadata`."""


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """Certificates for the connection to the Flight server, as PEM.

    Attributes:
        roots: Who may have signed the server's certificate.
        certificate: What the gateway shows when the server asks for a client certificate.
        key: The private key of that certificate.
    """

    roots: bytes
    certificate: bytes | None = None
    key: bytes | None = None


ReadTls = Callable[[], TlsMaterial]


@dataclass(frozen=True, slots=True)
class _Link:
    endpoint: Endpoint
    channel: grpc.Channel
    do_get: Method
    do_action: Method


class FlightCall:
    """One running query: its messages, then its receipt.

    Args:
        call: The gRPC call.
        channel: The call's channel, held because gRPC closes a channel that nobody holds.
        closing: Set when the client closes and takes the call with it.
        has_receipt: Whether a receipt must end the stream, as it ends that of every query.
    """

    def __init__(
        self, call: Answers, channel: grpc.Channel, closing: threading.Event, has_receipt: bool = True
    ) -> None:
        self._has_receipt = has_receipt
        self._call = call
        self._channel = channel
        self._closing = closing
        self._receipt: Receipt | None = None

    def messages(self) -> Iterator[FlightData]:
        """Yield the schema and the batches, and keep the receipt that comes with or after the last.

        Raises:
            Refused: With the Flight server's code, or `INTERNAL_ERROR` for a stream without receipt.
        """
        try:
            for raw in self._call:
                data = flight_data(raw)
                if data.metadata:
                    self._receipt = parse_receipt(data.metadata)
                if data.body or not data.metadata:
                    yield data
        except grpc.RpcError as failure:
            if self._closing.is_set():
                raise Refused(Code.SERVICE_UNAVAILABLE, "the gateway is stopping") from failure
            raise _refusal(failure) from failure
        except Malformed as fault:
            raise Refused(Code.INTERNAL_ERROR) from fault
        if self._receipt is None and self._has_receipt:
            raise Refused(Code.INTERNAL_ERROR)

    @property
    def receipt(self) -> Receipt:
        """The receipt; only after the last message."""
        if self._receipt is None:
            raise Refused(Code.INTERNAL_ERROR)
        return self._receipt

    def cancel(self) -> None:
        """Stop the query; safe from any thread and after the end."""
        self._call.cancel()


class FlightClient:
    """Calls to the Flight server wherever it is now.

    Args:
        whereabouts: Tells the server's present address.
        token: Proves to the server that the gateway is the gateway.
        default_timeout_ms: The server's deadline for callers who name none.
        tls: Reads the certificates, when the server's URI says TLS; at every new connection, since a
            server that has started again may show a new one.
    """

    def __init__(
        self, whereabouts: Whereabouts, token: str, default_timeout_ms: int, tls: ReadTls | None = None
    ) -> None:
        self._whereabouts = whereabouts
        self._token = token
        self._default_timeout_ms = default_timeout_ms
        self._tls = tls
        self._shows_certificate = tls is not None and tls().certificate is not None
        self._lock = threading.Lock()
        self._link: _Link | None = None
        self._closing = threading.Event()

    def query(
        self,
        body: QueryBody,
        caller: Caller,
        query_id: str,
        *,
        read_only: bool = False,
        file_offer: str = "",
    ) -> FlightCall:
        """Start the query *body*; failures come out of `FlightCall.messages`.

        A server on this machine may write a large answer to the file of *file_offer*; then the messages
        end after the schema, and the receipt says how long the answer is.

        Raises:
            Refused: `SERVICE_UNAVAILABLE` while there is no Flight server; `UNAUTHORIZED` for a caller
                without a key on a connection that shows the gateway's certificate.
        """
        self._refuse_nobody(caller)
        seconds = (body.timeout_ms or self._default_timeout_ms) / 1000 + DEADLINE_GRACE_SECONDS
        link = self._current_link()
        metadata = self._metadata(caller, query_id)
        if read_only:
            metadata += (("x-hatidata-read-only", "1"),)
        if file_offer and link.endpoint.local:
            metadata += (("x-hatidata-result-file", file_offer),)
        call = link.do_get(ticket_bytes(body), timeout=seconds, metadata=metadata)
        return FlightCall(call, link.channel, self._closing)

    def browse(self, command: bytes, caller: Caller, query_id: str) -> FlightCall:
        """Start a Flight SQL command that asks about the catalog.

        Raises:
            Refused: As `query`.
        """
        self._refuse_nobody(caller)
        link = self._current_link()
        metadata = self._metadata(caller, query_id)
        call = link.do_get(command_ticket_bytes(command), timeout=BROWSE_SECONDS, metadata=metadata)
        return FlightCall(call, link.channel, self._closing, has_receipt=False)

    def usage(self, caller: Caller, query_id: str) -> dict[str, object]:
        """Return what the caller's key has used this month.

        Raises:
            Refused: As the Flight server refuses.
        """
        try:
            answers = self._act(USAGE_ACTION, b"", caller, query_id, USAGE_SECONDS)
        except Refused as refused:
            if refused.code is not Code.QUERY_TIMEOUT:
                raise
            reason = f"the Flight server gave no answer within {USAGE_SECONDS:.0f} s"
            raise Refused(Code.SERVICE_UNAVAILABLE, reason) from refused
        try:
            return dict(json.loads(answers[0]))
        except (IndexError, TypeError, ValueError) as fault:
            raise Refused(Code.INTERNAL_ERROR) from fault

    def recheck(self, body: QueryBody, caller: Caller, query_id: str, policy_version: str) -> None:
        """Have the server say whether the caller may still be given an answer that was made before.

        Raises:
            Refused: The caller may not ask *body* now, or the policies are others than *policy_version*.
        """
        self._act(RECHECK_ACTION, policy_version.encode() + b"\n" + question_bytes(body), caller, query_id)

    def _act(
        self, name: str, body: bytes, caller: Caller, query_id: str, seconds: float = BROWSE_SECONDS
    ) -> list[bytes]:
        """Do an action of the server as *caller*; the link is held until the last result is there."""
        self._refuse_nobody(caller)
        link = self._current_link()
        metadata = self._metadata(caller, query_id)
        call = link.do_action(action_bytes(name, body), timeout=seconds, metadata=metadata)
        try:
            return [result_body(raw) for raw in call]
        except grpc.RpcError as failure:
            raise _refusal(failure) from failure
        except Malformed as fault:
            raise Refused(Code.INTERNAL_ERROR) from fault

    def not_ready_because(self, timeout_seconds: float) -> str | None:
        """Ask the server whether it can answer a query now; return why not, or None."""
        try:
            link = self._current_link()
            call = link.do_action(
                action_bytes(READY_ACTION, b""),
                timeout=timeout_seconds,
                metadata=(("x-hatidata-gateway", self._token), *UNTRACED),
            )
            answers = [json.loads(result_body(raw)) for raw in call]
        except grpc.RpcError as failure:
            return _hindrance(failure, timeout_seconds)
        except Refused as refused:
            return refused.message
        except ValueError:
            return "the Flight server's answer is not understood"
        if answers and answers[0].get("ready") is True:
            return None
        return str(answers[0].get("reason", "")) if answers else "the Flight server gave no answer"

    def uri(self) -> str | None:
        """Return where the Flight server is now."""
        endpoint = self._whereabouts.current()
        return endpoint.uri if endpoint else None

    def close(self) -> None:
        """Close the channel and with it every call that is still running."""
        self._closing.set()
        with self._lock:
            if self._link is not None:
                self._link.channel.close()
                self._link = None

    def _refuse_nobody(self, caller: Caller) -> None:
        """Refuse a caller without a key where it would be taken for whom the gateway's certificate names."""
        if caller.key is None and self._shows_certificate:
            raise Refused(Code.UNAUTHORIZED)

    def _current_link(self) -> _Link:
        endpoint = self._whereabouts.current()
        if endpoint is None:
            raise Refused(Code.SERVICE_UNAVAILABLE, "the Flight server is not running")
        link = self._link
        return link if link is not None and link.endpoint == endpoint else self._relink(endpoint)

    def _relink(self, endpoint: Endpoint) -> _Link:
        with self._lock:
            if self._link is None or self._link.endpoint != endpoint:
                self._link = _linked(endpoint, self._tls() if self._tls else None)
            return self._link

    def _metadata(self, caller: Caller, query_id: str) -> tuple[tuple[str, str], ...]:
        metadata = [
            ("x-hatidata-gateway", self._token),
            ("x-hatidata-protocol", caller.protocol),
            ("x-hatidata-query-id", query_id),
            ("x-forwarded-for", caller.client_ip),
        ]
        if caller.key is not None:
            metadata.append(("authorization", f"Bearer {caller.key}"))
        if caller.agent_id is not None:
            metadata.append(("x-agent-id", caller.agent_id))
        return (*metadata, *caller.trace)


def tls_material(certificate: str, key: str, client_ca: str) -> TlsMaterial:
    """Return the gateway's certificates; it shows its own only where client certificates are asked for.

    It trusts its own certificate, which the Flight server shows too, and the authority of clients.
    """
    chain = Path(certificate).read_bytes()
    if not client_ca:
        return TlsMaterial(chain)
    return TlsMaterial(chain + Path(client_ca).read_bytes(), chain, Path(key).read_bytes())


def _linked(endpoint: Endpoint, tls: TlsMaterial | None) -> _Link:
    channel = _channel(endpoint, tls)
    return _Link(
        endpoint,
        channel,
        do_get=channel.unary_stream(SERVICE + "DoGet"),
        do_action=channel.unary_stream(SERVICE + "DoAction"),
    )


def _channel(endpoint: Endpoint, tls: TlsMaterial | None) -> grpc.Channel:
    if not endpoint.tls:
        return grpc.insecure_channel(endpoint.target, options=_CHANNEL_OPTIONS)
    material = tls or TlsMaterial(b"")
    credentials = grpc.ssl_channel_credentials(material.roots or None, material.key, material.certificate)
    return grpc.secure_channel(endpoint.target, credentials, options=_CHANNEL_OPTIONS)


def _hindrance(failure: grpc.RpcError, timeout_seconds: float) -> str:
    """Return why a server that was asked whether it is ready did not say so."""
    if isinstance(failure, grpc.Call):
        if failure.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"the Flight server gave no answer within {timeout_seconds:g} s"
        if failure.code() is grpc.StatusCode.UNAVAILABLE:
            return "the Flight server cannot be reached"
    return _refusal(failure).message


def _refusal(failure: grpc.RpcError) -> Refused:
    if not isinstance(failure, grpc.Call):
        return Refused(Code.INTERNAL_ERROR)
    trailers = dict(failure.trailing_metadata() or ())
    return refusal_of(failure.code(), failure.details() or "", trailers)
