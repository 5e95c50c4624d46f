"""gunicorn's threaded worker, run alone: one process, JSON for what its parser refuses.

There is no gunicorn master above it. `hati serve` supervises the process already, and two
supervisors would only disagree about who holds the ports (decision 0011).
"""

from __future__ import annotations

import errno
import json
import os
import select
import selectors
import signal
import socket
import ssl
import struct
import threading
from functools import partial
from types import FrameType
from typing import Any, Final

import structlog
from gunicorn.http.errors import ExpectationFailed, LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from http_gateway.errors import Code, Profile, Refused, error_body
from http_gateway.exchange import new_query_id

STALL_SECONDS: Final = 30
"""A caller that neither sends nor takes a byte for this long loses its connection."""

LINGER_MILLISECONDS: Final = 2
"""How long a thread waits for the next request on its connection before it gives the connection back."""

_GONE_AGAIN: Final = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)
_STATUS: Final = {LimitRequestLine: 414, LimitRequestHeaders: 431, ExpectationFailed: 417}

log = structlog.get_logger()


class GatewayWorker(ThreadWorker):
    """The worker that is the whole server."""

    _delay_seconds = 0.0
    _leaving: threading.Event | None = None

    def leave_after(self, seconds: float, leaving: threading.Event) -> None:
        """Go on for *seconds* after the first signal to end, with *leaving* set; only then let nobody in."""
        self._delay_seconds = seconds
        self._leaving = leaving

    def init_process(self) -> None:
        """Prepare the listening sockets, whose options every connection inherits, and serve."""
        limit = struct.pack("ll", STALL_SECONDS, 0)
        for listener in self.sockets:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        super().init_process()

    def init_signals(self) -> None:
        """Drain on SIGTERM and on SIGINT; the other signals stay gunicorn's."""
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; at the second signal leave at once."""
        told = self._leaving is not None and self._leaving.is_set()
        if not self.alive or told:
            os._exit(0)
        if self._leaving is None or not self._delay_seconds:
            super().handle_exit(sig, frame)
            return
        self._leaving.set()
        timer = threading.Timer(self._delay_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and give it a thread only when it has sent something."""
        try:
            client, address = listener.accept()
        except OSError as fault:
            if fault.errno not in _GONE_AGAIN:
                log.warning("no connection accepted", reason=os.strerror(fault.errno or 0))
            return
        self.nr_conns += 1
        connection = TConn(self.cfg, client, address, listener.getsockname())
        connection.set_timeout()
        self.pending_conns.append(connection)
        self.poller.register(
            client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection)
        )

    def is_parent_alive(self) -> bool:
        """Say yes: a shell that started the gateway may end, and `hati serve` ends its children itself."""
        return True

    def handle(self, conn: Any) -> Any:
        """Serve a connection, and its next request too when that follows at once.

        A client in a closed loop would otherwise pay four hand-overs between threads for each
        request. Only while every connection can have a thread of its own.
        """
        keep = super().handle(conn)
        while keep is True and self._can_linger() and _readable_soon(conn.sock):
            keep = super().handle(conn)
        return keep

    def _can_linger(self) -> bool:
        return bool(self.alive) and self.nr_conns <= self.cfg.threads

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request; a browser's connection ends with the answer.

        A browser that reads 408, which is the status of QUERY_TIMEOUT, on a connection that it used before
        takes it for a stale one and sends the request again: a statement would run twice.
        """
        if any(name == "SEC-FETCH-MODE" for name, _ in req.headers):
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer a request that never became one, or that broke outside the application."""
        if isinstance(exc, ssl.SSLError):
            log.info("TLS handshake failed", reason=exc.reason)
            return
        refused = _refusal(exc)
        query_id = new_query_id()
        log.warning("request refused", query_id=query_id, status=refused.status, exc_info=exc)
        try:
            client.sendall(_raw_answer(refused, self._profile(client), query_id))
        except OSError:
            log.debug("caller left before its refusal", query_id=query_id)

    def _profile(self, client: socket.socket) -> Profile:
        native = client.getsockname()[1] == self.sockets[-1].getsockname()[1]
        return Profile.NATIVE if native else Profile.API


def _readable_soon(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(LINGER_MILLISECONDS))


def _refusal(fault: BaseException) -> Refused:
    if not isinstance(fault, ParseException):
        return Refused(Code.INTERNAL_ERROR)
    return Refused(Code.INVALID_REQUEST, "this is not valid HTTP", status=_STATUS.get(type(fault), 400))


def _raw_answer(refused: Refused, profile: Profile, query_id: str) -> bytes:
    body = json.dumps(error_body(refused, profile, query_id)).encode()
    head = (
        f"HTTP/1.1 {refused.status} Refused\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Query-Id: {query_id}\r\n\r\n"
    )
    return head.encode("ascii") + body
