"""The second level of the result cache: Arrow files in a folder of this process, read by memory map.

Names are numbers; which key a file belongs to is only known in memory, so the
folder is emptied at every start.
"""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc
import structlog

from flight_server.recent import Recent

MOST_WAITING = 32


@dataclass(frozen=True, slots=True)
class Spilled:
    """A result on disk."""

    path: Path
    bytes: int
    until: float


@dataclass(frozen=True, slots=True)
class _Waiting:
    key: Hashable
    schema: pa.Schema
    batches: Sequence[pa.RecordBatch]


class DiskCache:
    """Keeps results as files; a thread writes them, so that no query waits for the disk.

    Args:
        folder: Its own; whatever is in it is removed.
        most_bytes: How large the files may be together.
        ttl_s: How long one is used.
    """

    def __init__(self, folder: Path, most_bytes: int, ttl_s: float) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        self._folder = folder
        self._ttl_s = ttl_s
        self._most_bytes = most_bytes
        self._files: Recent[Spilled] = Recent(1_000_000, most_bytes)
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(MOST_WAITING)
        self._number = 0
        self._log = structlog.get_logger("cache")
        self._thread = threading.Thread(target=self._run, name="cache", daemon=True)
        self._thread.start()

    @property
    def bytes(self) -> int:
        """How large the files are together."""
        return self._files.weight

    def put(self, key: Hashable, schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> None:
        """Have a result written; it is dropped if the disk does not keep up."""
        try:
            self._waiting.put_nowait(_Waiting(key, schema, batches))
        except queue.Full:
            return

    def get(self, key: Hashable) -> tuple[pa.Schema, tuple[pa.RecordBatch, ...], int, float] | None:
        """Return schema, batches, size and end of life of the result kept under *key*, or None."""
        spilled = self._files.get(key)
        if spilled is None:
            return None
        if spilled.until <= time.monotonic():
            self._remove(key, spilled)
            return None
        try:
            with pa.memory_map(str(spilled.path)) as source:
                reader = ipc.open_file(source)
                batches = tuple(reader.get_batch(i) for i in range(reader.num_record_batches))
                return reader.schema, batches, spilled.bytes, spilled.until
        except (OSError, pa.ArrowException):
            self._remove(key, spilled)
            return None

    def close(self) -> None:
        """End the thread and remove the files."""
        self._waiting.put(None)
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            try:
                self._write(waiting)
            except (OSError, pa.ArrowException) as fault:
                self._log.warning("a result could not be kept on disk", fault=str(fault))

    def _write(self, waiting: _Waiting) -> None:
        self._number += 1
        path = self._folder / f"{self._number}.arrow"
        try:
            with ipc.new_file(path, waiting.schema) as writer:
                for batch in waiting.batches:
                    writer.write_batch(batch)
            size = path.stat().st_size
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        spilled = Spilled(path, size, time.monotonic() + self._ttl_s)
        for _, old in self._files.put(waiting.key, spilled, size):
            old.path.unlink(missing_ok=True)

    def _remove(self, key: Hashable, spilled: Spilled) -> None:
        self._files.forget(key)
        spilled.path.unlink(missing_ok=True)
