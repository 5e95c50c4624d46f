"""Answers that go from a spool, or straight from the engine, to the caller's socket."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import structlog
from flask import Response
from werkzeug.datastructures import Headers as WerkzeugHeaders

from http_gateway.accept import JSON
from http_gateway.errors import Refused
from http_gateway.headers import Headers
from http_gateway.spool import Spool

ONE_PIECE_BYTES: Final = 64 * 1024
"""Up to here a body is handed over whole; above, it is sent past the server (decision 0012)."""

log = structlog.get_logger()

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Answer(Response):
    """A response whose headers are complete when it is made; Werkzeug adds and corrects nothing.

    Attributes:
        length: Bytes of the body, where they are known; for the log.
        rows: Rows of the body, where it holds a result.
    """

    length: int | None = None
    rows: int | None = None

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> WerkzeugHeaders:
        """Return the headers as they are."""
        return self.headers


class Cut(OSError):
    """Ends a response whose head has left: the connection breaks, so that the caller sees the cut."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "the result was cut")


class SpooledBody:
    """The body of a response; closing it frees the spool, whether it was sent or not.

    Args:
        spool: The whole body.
        socket_number: Where it may be written past the server, or None.
    """

    def __init__(self, spool: Spool, socket_number: int | None) -> None:
        self._spool = spool
        self._pieces = spool.pieces() if socket_number is None else _sent_past(spool, socket_number)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Free the spool."""
        self._spool.close()


class StreamedBody:
    """A body of unknown length; a failure after its first piece breaks the connection.

    Args:
        first: The first piece, already made, so that early failures could still be told.
        rest: The others.
        on_close: Called once when the response is over, whatever happened.
    """

    def __init__(self, first: bytes, rest: Iterator[bytes], on_close: Callable[[], None]) -> None:
        self._pieces = self._all(first, rest)
        self._on_close = on_close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Stop what is still running."""
        self._on_close()

    def _all(self, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        yield first
        try:
            yield from rest
        except Refused as refused:
            log.warning("result cut", code=refused.code)
            raise Cut from refused


def json_answer(
    content: Mapping[str, object], status: int = 200, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    """Return *content* as a JSON response."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return _answer((body,), len(body), status, [("Content-Type", JSON), *headers])


def spooled_response(spool: Spool, headers: Headers, rows: int, socket_number: int | None) -> Response:
    """Return a 200 with the content of *spool*, which the response closes."""
    length = spool.length
    body: Iterable[bytes] = SpooledBody(spool, socket_number)
    if length <= ONE_PIECE_BYTES:
        body = (b"".join(spool.pieces()),)
        spool.close()
    answer = _answer(body, length, 200, headers)
    answer.rows = rows
    return answer


def _answer(body: Iterable[bytes], length: int, status: int, headers: Headers) -> Answer:
    described = [*headers, ("Content-Length", str(length))]
    answer = Answer(body, status, described, direct_passthrough=True)
    answer.length = length
    return answer


def _sent_past(spool: Spool, socket_number: int) -> Iterator[bytes]:
    """Yield one empty piece, on which the server sends the head, then send the body past it."""
    yield b""
    try:
        spool.send_to(socket_number)
    except BlockingIOError as stalled:
        raise Cut from stalled
