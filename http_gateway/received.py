"""Reads the body of a query from the connection, and no more of it than is allowed."""

from __future__ import annotations

from flask import request
from gunicorn.http.errors import NoMoreData, ParseException

from http_gateway.errors import Code, Refused
from http_gateway.request_body import BodyLimits, QueryBody, parse_body


def received_body(limits: BodyLimits) -> QueryBody:
    """Return the checked body of the present request.

    Raises:
        Refused: See `parse_body`; `UNSUPPORTED_MEDIA_TYPE` for a body that does not claim to be JSON.
    """
    _check_type()
    return parse_body(_bytes(limits.max_body_bytes), limits)


def _check_type() -> None:
    if request.content_type and request.mimetype != "application/json":
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE, "send the body without a content coding")


def _bytes(most: int) -> bytes:
    if (request.content_length or 0) > most:
        raise Refused(Code.REQUEST_TOO_LARGE, f"the body has more than {most} bytes")
    try:
        raw: bytes = request.environ["wsgi.input"].read(most + 1)
    except (OSError, NoMoreData, ParseException) as fault:
        raise Refused(Code.INVALID_REQUEST, "the body did not arrive whole") from fault
    if len(raw) < (request.content_length or 0):
        raise Refused(Code.INVALID_REQUEST, "the body did not arrive whole")
    return raw
