"""The four Flight messages that the gateway needs, as bytes and back, without I/O.

A `FlightData` holds one Arrow IPC message without its frame. `framed` puts the frame back,
so that what Flight sends becomes, byte for byte, an Arrow IPC stream.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from http_gateway.request_body import QueryBody

END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"

_LENGTH_DELIMITED: Final = 2
_DATA_HEADER, _APP_METADATA, _DATA_BODY = 2, 3, 1000
_FRAME: Final = struct.Struct("<Ii")
_ALIGNMENT: Final = 8


class Malformed(ValueError):
    """Bytes that are not the protobuf message they should be."""


@dataclass(frozen=True, slots=True)
class FlightData:
    """One message of a stream; the body is a view into the received bytes, never a copy."""

    header: bytes
    metadata: bytes
    body: memoryview


def ticket_bytes(body: QueryBody) -> bytes:
    """Return the `Ticket` message that asks for the answer to *body*."""
    return _field(1, question_bytes(body))


def question_bytes(body: QueryBody) -> bytes:
    """Return what is in a ticket that asks for the answer to *body*."""
    fields: dict[str, object] = {"sql": body.sql, "parameters": body.parameters, "dialect": body.dialect}
    if body.timeout_ms is not None:
        fields["timeout_ms"] = body.timeout_ms
    return json.dumps(fields, ensure_ascii=False).encode()


def command_ticket_bytes(command: bytes) -> bytes:
    """Return the `Ticket` message that holds *command*."""
    return _field(1, command)


def browse_command(name: str, *texts: tuple[int, str], flags: Sequence[int] = ()) -> bytes:
    """Return the Flight SQL command *name* with text fields and true flags by number, packed in its `Any`."""
    body = b"".join(_field(number, text.encode()) for number, text in texts)
    body += b"".join(_number(flag << 3) + _number(1) for flag in flags)
    return _field(1, f"type.googleapis.com/arrow.flight.protocol.sql.{name}".encode()) + _field(2, body)


def action_bytes(name: str, body: bytes) -> bytes:
    """Return the `Action` message *name*."""
    return _field(1, name.encode()) + _field(2, body)


def result_body(message: bytes) -> bytes:
    """Return the body of a `Result` message."""
    return bytes(_fields(message).get(1, b""))


def flight_data(message: bytes) -> FlightData:
    """Return the parts of a `FlightData` message.

    Raises:
        Malformed: The bytes are not protobuf.
    """
    fields = _fields(message)
    empty = memoryview(b"")
    return FlightData(
        header=bytes(fields.get(_DATA_HEADER, empty)),
        metadata=bytes(fields.get(_APP_METADATA, empty)),
        body=fields.get(_DATA_BODY, empty),
    )


def framed(data: FlightData) -> tuple[bytes, memoryview]:
    """Return the two parts of the encapsulated IPC message: frame with header, and body."""
    padding = -len(data.header) % _ALIGNMENT
    frame = _FRAME.pack(0xFFFFFFFF, len(data.header) + padding)
    return frame + data.header + bytes(padding), data.body


def _fields(message: bytes) -> dict[int, memoryview]:
    """Return the length-delimited fields of *message* by number; others do not occur in Flight data."""
    view = memoryview(message)
    fields: dict[int, memoryview] = {}
    at = 0
    while at < len(view):
        tag, at = _varint(view, at)
        if tag & 7 != _LENGTH_DELIMITED:
            raise Malformed(f"wire type {tag & 7}")
        length, at = _varint(view, at)
        if at + length > len(view):
            raise Malformed("a field is longer than its message")
        fields[tag >> 3] = view[at : at + length]
        at += length
    return fields


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(view) and shift < 64:
        byte = view[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed("a number without an end")


def _field(number: int, content: bytes) -> bytes:
    return _number(number << 3 | _LENGTH_DELIMITED) + _number(len(content)) + content


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
