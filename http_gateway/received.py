"""Reads the body of a query from the connection, and no more of it than is allowed."""

from __future__ import annotations

from flask import request
from gunicorn.http.errors import NoMoreData, ParseException

from http_gateway.accept import JSON
from http_gateway.errors import Code, Refused
from http_gateway.request_body import BodyLimits, QueryBody, parse_body


def received_body(limits: BodyLimits) -> QueryBody:
    """Return the checked body of the present request.

    Raises:
        Refused: See `parse_body`; `UNSUPPORTED_MEDIA_TYPE` for a body that does not claim to be JSON.
    """
    return parse_body(received_bytes(limits), limits)


def received_bytes(limits: BodyLimits) -> bytes:
    """Return the body of the present request, which claims to be JSON, unread.

    Raises:
        Refused: `UNSUPPORTED_MEDIA_TYPE`, `REQUEST_TOO_LARGE`, or `INVALID_REQUEST` for a cut body.
    """
    _check_type()
    return _bytes(limits.max_body_bytes)


def _check_type() -> None:
    given = request.environ.get("CONTENT_TYPE")
    if given and given != JSON and request.mimetype != JSON:
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE, "send the body without a content coding")


def _bytes(most: int) -> bytes:
    announced = request.content_length or 0
    if announced > most:
        raise Refused(Code.REQUEST_TOO_LARGE, f"the body has more than {most} bytes")
    try:
        raw: bytes = request.environ["wsgi.input"].read(most + 1)
    except (OSError, NoMoreData, ParseException) as fault:
        raise Refused(Code.INVALID_REQUEST, "the body did not arrive whole") from fault
    if len(raw) < announced:
        raise Refused(Code.INVALID_REQUEST, "the body did not arrive whole")
    return raw
