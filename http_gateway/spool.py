"""Where a result waits until its length is known.

The first part of a result stays in memory, as the chunks in which it came. A larger one,
or one for which the memory of all requests together does not suffice, moves to a file that
has no name, so that nothing is left behind however the process ends.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from http_gateway.errors import Code, Refused
from http_gateway.lent_file import LentFile, LentFiles, nameless_file

Chunk = bytes | memoryview

PIECE_BYTES: Final = 1024 * 1024
_MOST_VECTORS: Final = 512


class MemoryBudget:
    """The memory that all spools of the process share."""

    def __init__(self, total_bytes: int) -> None:
        self._free = total_bytes
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Reserve *size* bytes, or say that there are not as many."""
        with self._lock:
            if size > self._free:
                return False
            self._free -= size
            return True

    def give_back(self, size: int) -> None:
        """Return what `take` reserved."""
        with self._lock:
            self._free += size

    @property
    def free(self) -> int:
        """Bytes that nobody holds."""
        return self._free


class SpoolRoom:
    """What every spool of the process is made from.

    Args:
        directory: Where spool files go; it is made when it is missing.
        budget: The memory of all spools together.
        threshold_bytes: What one result may hold in memory.
        on_large_end: Called when a result of more than a piece is gone.
    """

    def __init__(
        self,
        directory: Path,
        budget: MemoryBudget,
        threshold_bytes: int,
        on_large_end: Callable[[], None] = lambda: None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self.budget = budget
        self.threshold_bytes = threshold_bytes
        self.on_large_end = on_large_end
        self.files = LentFiles(directory)

    def open(self) -> Spool:
        """Return an empty spool; its user closes it."""
        return Spool(self)


class Spool:
    """One result on its way from the engine to one HTTP caller."""

    def __init__(self, room: SpoolRoom) -> None:
        self._room = room
        self._chunks: list[Chunk] = []
        self._reserved = 0
        self._file: int | None = None
        self.length = 0

    def write(self, *parts: Chunk) -> None:
        """Append *parts* in their order.

        Raises:
            Refused: `SERVICE_UNAVAILABLE` when the disk is full or fails.
        """
        size = sum(map(len, parts))
        if self._file is None and not self._reserve(size):
            self._file = self._moved_to_file()
        if self._file is None:
            self._chunks.extend(parts)
        else:
            self._write_file(self._file, parts)
        self.length += size

    def adopt(self, file: LentFile, length: int) -> None:
        """Take *file*, which holds *length* bytes, for the content instead of what was appended.

        Raises:
            Refused: `INTERNAL_ERROR` when it does not hold as many.
        """
        if self._file is not None or os.fstat(file.descriptor).st_size != length:
            raise Refused(Code.INTERNAL_ERROR)
        self._free_memory()
        self._file, self.length = file.descriptor, length

    def pieces(self) -> Iterator[bytes]:
        """Yield the content in pieces that fit a response."""
        if self._file is None:
            yield from map(bytes, self._chunks)
        elif self.length:
            with mmap.mmap(self._file, self.length, access=mmap.ACCESS_READ) as content:
                for start in range(0, self.length, PIECE_BYTES):
                    yield content[start : start + PIECE_BYTES]

    def send_to(self, socket_number: int) -> None:
        """Send the content down a socket without copying it in this process.

        The file is mapped and written, because `sendfile` was half as fast over loopback.

        Raises:
            OSError: The receiver is gone, or took nothing for the socket's send timeout.
        """
        if self._file is None:
            _all_vectors(self._chunks, lambda views: os.writev(socket_number, views))
            return
        content = mmap.mmap(self._file, self.length, access=mmap.ACCESS_READ)
        with content, memoryview(content) as view:
            _all_bytes(view, lambda piece: os.write(socket_number, piece))

    def close(self) -> None:
        """Give back memory and disk; calling it again does no harm."""
        self._free_memory()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self.length > PIECE_BYTES:
            self._room.on_large_end()

    def _reserve(self, size: int) -> bool:
        if self.length + size > self._room.threshold_bytes or not self._room.budget.take(size):
            return False
        self._reserved += size
        return True

    def _moved_to_file(self) -> int:
        try:
            self._file = file = nameless_file(self._room.directory)
        except OSError as fault:
            raise _disk_fault() from fault
        self._write_file(file, self._chunks)
        self._free_memory()
        return file

    def _free_memory(self) -> None:
        self._chunks = []
        self._room.budget.give_back(self._reserved)
        self._reserved = 0

    def _write_file(self, file: int, parts: Sequence[Chunk]) -> None:
        try:
            _all_vectors(parts, lambda views: os.writev(file, views))
        except OSError as fault:
            raise _disk_fault() from fault


def _disk_fault() -> Refused:
    return Refused(Code.SERVICE_UNAVAILABLE, "no room for the result; try again later or ask for less")


def _all_bytes(view: memoryview, write: Callable[[memoryview], int]) -> None:
    offset = 0
    while offset < len(view):
        with view[offset : offset + PIECE_BYTES] as piece:
            offset += write(piece)


def _all_vectors(parts: Sequence[Chunk], write: Callable[[Sequence[memoryview]], int]) -> None:
    """Call *write* until it has taken all of *parts*; it may take less than it is given."""
    rest = [memoryview(part) for part in parts if len(part)]
    while rest:
        taken = write(rest[:_MOST_VECTORS])
        rest = _without(rest, taken)


def _without(views: list[memoryview], taken: int) -> list[memoryview]:
    for position, view in enumerate(views):
        if taken < len(view):
            return [view[taken:], *views[position + 1 :]]
        taken -= len(view)
    return []
