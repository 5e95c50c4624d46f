"""Bodies on their way to a socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from http_gateway.errors import Code, Refused
from http_gateway.responses import Cut, SpooledBody, StreamedBody
from http_gateway.spool import MemoryBudget, SpoolRoom

SIZE = 20_000_000


@pytest.mark.parametrize("threshold", [0, SIZE])
def test_a_caller_who_never_reads_is_cut_and_its_memory_freed(tmp_path: Path, threshold: int) -> None:
    room = SpoolRoom(tmp_path, MemoryBudget(SIZE), threshold)
    spool = room.open()
    spool.write(bytes(SIZE))
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 200_000))
    body = SpooledBody(spool, ours.fileno())
    with ours, theirs:
        with pytest.raises(Cut):
            list(body)
        body.close()

    assert room.budget.free == SIZE


def test_a_body_that_is_never_sent_is_freed(tmp_path: Path) -> None:
    room = SpoolRoom(tmp_path, MemoryBudget(SIZE), SIZE)
    spool = room.open()
    spool.write(b"x")
    SpooledBody(spool, None).close()

    assert room.budget.free == SIZE


def test_a_failure_behind_the_first_piece_breaks_the_connection() -> None:
    def rest() -> Iterator[bytes]:
        yield b"second"
        raise Refused(Code.QUERY_TIMEOUT)

    pieces = iter(StreamedBody(b"first", rest(), lambda: None))

    assert [next(pieces), next(pieces)] == [b"first", b"second"]
    with pytest.raises(Cut):
        next(pieces)
