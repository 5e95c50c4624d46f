"""Gives memory back to the system after large results.

The C library keeps what was freed, for each of its arenas, and threads have many of them: without
this, results of 70 MB asked for by six callers left 2.7 GB behind, all of it free.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Final

import pyarrow as pa

ARENAS: Final = 4
PAUSE_SECONDS: Final = 2.0

_M_ARENA_MAX: Final = -8


class IdleMemory:
    """A thread that trims the heaps some time after somebody noted that much was freed."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._library = ctypes.CDLL(None)
        self._pause_seconds = pause_seconds
        self._noted = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="idle-memory", daemon=True)
        if hasattr(self._library, "mallopt"):
            self._library.mallopt(_M_ARENA_MAX, ARENAS)
        self._thread.start()

    def note(self) -> None:
        """Say that a large result is gone."""
        self._noted = True

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._pause_seconds):
            if self._noted:
                self._noted = False
                self._trim()

    def _trim(self) -> None:
        pa.default_memory_pool().release_unused()
        if hasattr(self._library, "malloc_trim"):
            self._library.malloc_trim(0)
