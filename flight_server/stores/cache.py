"""Results kept in memory, the least used of them on disk, each under the state of its tables.

The key holds everything that decides an answer: the text that runs (row filters
and masks at the source are in it), the masks on the result, the values of the
parameters, and the version of every table. An older state is just never asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass

import pyarrow as pa

from flight_server.recent import Recent
from flight_server.stores.cache_disk import DiskCache
from flight_server.watcher import Call

LARGEST_SHARE = 4
"""An entry may take this part of the memory at the most."""
LOOK_S = 0.02
MOST_ASKED = 4096
ALWAYS_BYTES = 16 << 20
"""A larger answer is kept from the second time on that it is asked for."""
PATIENCE_S = 1.0
"""How long others wait for a query of which rows already leave, at the pace of its reader."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole result, as it left.

    Attributes:
        until: `time.monotonic()` after which it is not used any more.
    """

    schema: pa.Schema
    batches: tuple[pa.RecordBatch, ...]
    bytes: int
    until: float


class Flight:
    """One query that runs while others wait for its result."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._began_to_leave = 0.0

    def leaves(self) -> None:
        """Note that rows begin to leave, so that from now on the reader sets the pace."""
        self._began_to_leave = self._began_to_leave or time.monotonic()

    def end(self) -> None:
        """Let the others go on."""
        self._ended.set()

    def wait(self, call: Call) -> None:
        """Wait for the end, or as long as is sensible; *call* may stop meanwhile.

        Raises:
            QueryRefused: The waiting call was stopped; the flight goes on.
        """
        while not self._ended.wait(LOOK_S):
            call.check()
            if self._began_to_leave and time.monotonic() - self._began_to_leave > PATIENCE_S:
                return


class ResultCache:
    """Keeps results; safe for many threads.

    Args:
        entries: How many are kept in memory; 0 keeps none.
        most_bytes: How large they may be together.
        ttl_s: How long one is used.
        disk: Where those go that memory has no room for, or None.
    """

    def __init__(self, entries: int, most_bytes: int, ttl_s: float, disk: DiskCache | None = None) -> None:
        self._memory: Recent[Kept] = Recent(max(entries, 1), most_bytes)
        self._largest = most_bytes // LARGEST_SHARE if entries and ttl_s > 0 else 0
        self._ttl_s = ttl_s
        self._disk = disk
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight] = {}
        self._asked_before: Recent[bool] = Recent(MOST_ASKED)

    @property
    def enabled(self) -> bool:
        """Whether anything can be kept."""
        return self._largest > 0

    @property
    def entries(self) -> int:
        """How many results are in memory."""
        return len(self._memory)

    @property
    def bytes(self) -> int:
        """How large they are together."""
        return self._memory.weight

    @property
    def bytes_on_disk(self) -> int:
        """How large the results on disk are together."""
        return self._disk.bytes if self._disk else 0

    def get(self, key: Hashable) -> Kept | None:
        """Return the result kept under *key*, if it is fresh."""
        kept = self._memory.get(key)
        if kept is None and self._disk is not None:
            found = self._disk.get(key)
            if found is not None:
                schema, batches, size, until = found
                kept = Kept(schema, batches, size, until)
        if kept is not None and kept.until <= time.monotonic():
            self._memory.forget(key)
            return None
        return kept

    def join(self, key: Hashable) -> tuple[Flight, bool]:
        """Return the flight of *key* and whether the caller leads it, and so must end it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight()
            return flight, True

    def land(self, key: Hashable, flight: Flight) -> None:
        """End a flight, whatever came of it."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
        flight.end()

    def fits(self, key: Hashable, size: int) -> bool:
        """Tell whether a result of *size* bytes may be kept; a large one must have been asked for before.

        Holding a large answer costs the memory that its stream would use again and again.
        """
        if size <= min(self._largest, ALWAYS_BYTES):
            return True
        if self._asked_before.get(key) is None:
            self._asked_before.put(key, True)
            return False
        return size <= self._largest

    def put(self, key: Hashable, schema: pa.Schema, batches: list[pa.RecordBatch], size: int) -> None:
        """Keep a result; what memory has no room for any more goes to disk."""
        kept = Kept(schema, tuple(batches), size, time.monotonic() + self._ttl_s)
        weight = size + 1024 * (1 + len(batches))
        for old_key, old in self._memory.put(key, kept, weight):
            if self._disk is not None:
                self._disk.put(old_key, old.schema, old.batches)

    def close(self) -> None:
        """Forget everything, on disk too."""
        if self._disk is not None:
            self._disk.close()
