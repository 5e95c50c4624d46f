"""What a descriptor or ticket asks for: a Flight SQL message, our JSON, or SQL text. No I/O."""

from __future__ import annotations

from typing import Any

from flight_server.errors import QueryRefused
from flight_server.protocols.flight.messages import invalid, read_command
from flight_server.protocols.flight.protobuf import SQL, NotAMessage, unwrap

_MARK = f"{SQL}.".encode()
_MARK_WITHIN = 120


def decode(body: bytes | None) -> Any:  # Any: a message class made at run time
    """Return what *body* asks for: a message, a `QueryCommand` or an `IngestCommand`.

    Raises:
        QueryRefused: INVALID_REQUEST.
    """
    if body is None:
        raise invalid("the descriptor must hold a command, not a path")
    if not _looks_wrapped(body):
        return read_command(body)
    try:
        return unwrap(body)
    except NotAMessage as fault:
        raise unknown_message(str(fault)) from None


def kind_of(command: Any) -> str:  # Any: a message class made at run time
    """Return the name of a message, or of the class of one of our own commands."""
    descriptor = getattr(command, "DESCRIPTOR", None)
    return str(descriptor.name) if descriptor is not None else type(command).__name__


def unknown_message(what: str) -> QueryRefused:
    """Return the refusal of bytes that should have been a Flight SQL message."""
    return invalid(f"not a Flight SQL message: {what[:200]}")


def _looks_wrapped(body: bytes) -> bool:
    """Tell whether *body* is an `Any` of Flight SQL; SQL text may begin with the same byte."""
    return body[:1] == b"\n" and _MARK in body[:_MARK_WITHIN]
