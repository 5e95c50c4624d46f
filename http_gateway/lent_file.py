"""Nameless files that the Flight server may write a large answer to, instead of sending it through gRPC.

A file holds a mark, which tells the server that it is the one that was meant. One that was not written to
is lent again; one that may have been is closed, and with it gone.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
from pathlib import Path
from typing import Final

_MOST_KEPT: Final = 64


class LentFile:
    """One file, open in this process alone until the server opens it."""

    __slots__ = ("descriptor", "mark")

    def __init__(self, directory: Path) -> None:
        self.descriptor = nameless_file(directory)
        self.mark = secrets.token_hex(16)
        os.write(self.descriptor, self.mark.encode())

    def offer(self, most_bytes: int) -> str:
        """Return the header that offers the file for an answer of so many bytes at most."""
        return f"{os.getpid()}:{self.descriptor}:{self.mark}:{most_bytes}"

    def close(self) -> None:
        """Let the file go."""
        os.close(self.descriptor)


class LentFiles:
    """The files that wait to be lent; safe for many threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._waiting: list[LentFile] = []

    def lend(self) -> LentFile | None:
        """Return a file, which `take_back` or `close` must follow; None if the disk has no room for one."""
        with self._lock:
            if self._waiting:
                return self._waiting.pop()
        try:
            return LentFile(self._directory)
        except OSError:
            return None

    def take_back(self, file: LentFile) -> None:
        """Take back a file that nobody wrote to, or will."""
        with self._lock:
            if len(self._waiting) < _MOST_KEPT:
                self._waiting.append(file)
                return
        file.close()

    def close(self) -> None:
        """Let the files go that wait."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for file in waiting:
            file.close()


def nameless_file(directory: Path) -> int:
    """Return the descriptor of a new file without a name."""
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        return os.dup(file.fileno())
