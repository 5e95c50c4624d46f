"""The audit log being written: append-only JSON lines in HOME/audit, each chained to the one before.

A reader would get this wrong: `append` returns when the operating system has the whole
line, which outlives a kill -9 of this process; only `fsync="always"` also outlives a power
failure. Threads that append at the same time share one write.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Self

import structlog

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores import audit_files
from flight_server.stores.audit_entry import AuditEntry, chained_line, query_body, recovery_body
from flight_server.stores.audit_files import Place
from flight_server.stores.audit_recover import Found, recover
from flight_server.stores.background import Ticker

TICK_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 0.25
RESERVE_BYTES: Final = 8 * 1024 * 1024

Fsync = Literal["interval", "always", "never"]


class _Ticket:
    """A record that waits to be written, and what became of it."""

    __slots__ = ("body", "done", "fault")

    def __init__(self, body: str) -> None:
        self.body = body
        self.done = False
        self.fault: OSError | None = None


class AuditLog:
    """Appends records; safe for many threads, and only one process can have it open.

    Args:
        directory: Where the files are; `open` prepares it.
        found: Where the chain goes on.
        lock: Descriptor that holds the log for this process.
    """

    def __init__(
        self,
        directory: Path,
        found: Found,
        lock: int,
        *,
        fsync: Fsync,
        max_file_bytes: int,
        reserve_bytes: int,
    ) -> None:
        self._directory = directory
        self._lock_descriptor = lock
        self._fsync = fsync
        self._max_file_bytes = max_file_bytes
        self._reserve_bytes = reserve_bytes
        self._place = found.place
        self._number = found.number
        self._offset = found.offset
        self._descriptor = audit_files.open_for_append(audit_files.log_file(directory, found.number))
        self._write_lock = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._full = ""
        self._next_retry = 0.0
        self._unsynced_since = 0.0
        self._written_head: Place | None = None
        self._closed = False
        self._log = structlog.get_logger("audit")

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        fsync: Fsync = "interval",
        max_file_bytes: int = 64 * 1024 * 1024,
        reserve_bytes: int = RESERVE_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open the log in *directory*, recovering from whatever ended the last process.

        Args:
            fsync: `interval` syncs twice a second, `always` before `append` returns.
            max_file_bytes: A file that would grow beyond it is followed by a new one.
            reserve_bytes: Space kept for the records of queries that run while the disk fills up.

        Raises:
            AuditLogInUse: Another process has it open.
            OSError: The files cannot be read or written.
        """
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = audit_files.lock(directory)
        try:
            found = recover(directory, clock())
            log = cls(
                directory,
                found,
                lock,
                fsync=fsync,
                max_file_bytes=max_file_bytes,
                reserve_bytes=reserve_bytes,
            )
            log._begin(found)
        except BaseException:
            os.close(lock)
            raise
        return log

    @property
    def head(self) -> Place:
        """Number and hash of the last record."""
        return self._place

    def append(self, entry: AuditEntry) -> None:
        """Write one record; when this returns, the operating system has it.

        Raises:
            QueryRefused: SERVICE_UNAVAILABLE: it could not be written, and no part of it is in the log.
        """
        self._append_body(query_body(entry))

    def ensure_writable(self) -> None:
        """Refuse work whose record could not be written; call it before a query runs.

        Raises:
            QueryRefused: SERVICE_UNAVAILABLE: the disk is full, or the log is closed.
        """
        if self._full:
            self._retry()
        if self._closed:
            raise _unavailable("the audit log is closed")

    def lag_seconds(self) -> float:
        """Return the age of the oldest record that is not synced to disk yet."""
        since = self._unsynced_since
        return time.monotonic() - since if since else 0.0

    def close(self) -> None:
        """Sync, write the head and let go of the log; harmless when repeated."""
        if self._closed:
            return
        self._ticker.close()
        with self._write_lock:
            self._closed = True
            os.close(self._descriptor)
        os.close(self._lock_descriptor)

    def _begin(self, found: Found) -> None:
        for recovery in found.recoveries:
            self._append_body(recovery_body(recovery))
            self._log.error("the audit log was damaged", reason=recovery.reason, file=recovery.file)
        self._keep_reserve()
        self._tick()
        self._ticker = Ticker("audit", TICK_SECONDS, self._tick)

    def _append_body(self, body: str) -> None:
        ticket = _Ticket(body)
        self._waiting.append(ticket)
        with self._write_lock:
            if not ticket.done:
                self._write_waiting()
        if ticket.fault is not None:
            raise _unavailable(f"audit: {ticket.fault}") from ticket.fault

    def _write_waiting(self) -> None:
        """Write every record that waits, as one write; the caller has the lock."""
        tickets: list[_Ticket] = []
        while self._waiting:
            tickets.append(self._waiting.popleft())
        try:
            self._write_or_use_reserve(tickets)
        except OSError as fault:
            for ticket in tickets:
                ticket.fault = fault
        finally:
            for ticket in tickets:
                ticket.done = True

    def _write_or_use_reserve(self, tickets: list[_Ticket]) -> None:
        try:
            self._write(tickets)
        except OSError as fault:
            if self._closed:
                raise
            self._mark_full(str(fault))
            audit_files.give_up_reserve(self._directory)
            self._write(tickets)

    def _write(self, tickets: list[_Ticket]) -> None:
        place = self._place
        lines: list[bytes] = []
        for ticket in tickets:
            line, entry_hash = chained_line(place.seq + 1, place.hash, ticket.body)
            place = Place(place.seq + 1, entry_hash)
            lines.append(line)
        data = b"".join(lines)
        if self._offset and self._offset + len(data) > self._max_file_bytes:
            self._rotate()
        self._write_whole(data)
        self._place = place
        if not self._unsynced_since:
            self._unsynced_since = time.monotonic()

    def _write_whole(self, data: bytes) -> None:
        """Write *data* or nothing of it."""
        if self._closed:
            raise OSError("the audit log is closed")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            if self._fsync == "always":
                os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._offset)
            raise
        self._offset += len(data)

    def _rotate(self) -> None:
        if self._fsync != "never":
            os.fsync(self._descriptor)
        following = audit_files.open_for_append(audit_files.log_file(self._directory, self._number + 1))
        os.close(self._descriptor)
        self._descriptor = following
        self._number += 1
        self._offset = 0

    def _tick(self) -> None:
        """Sync what was written, then say in head.json how far the log is known to reach."""
        with self._write_lock:
            place, since = self._place, self._unsynced_since
            self._unsynced_since = 0.0
            descriptor = os.dup(self._descriptor)
        try:
            if since and self._fsync == "interval":
                os.fsync(descriptor)
        except OSError as fault:
            self._mark_full(str(fault))
            raise
        finally:
            os.close(descriptor)
        if place != self._written_head:
            audit_files.write_head(self._directory, place, durable=self._fsync != "never")
            self._written_head = place

    def _mark_full(self, fault: str) -> None:
        if not self._full:
            self._log.error("the audit log cannot grow: queries are refused", fault=fault)
        self._full = fault

    def _keep_reserve(self) -> None:
        try:
            audit_files.keep_reserve(self._directory, self._reserve_bytes)
        except OSError as fault:
            self._mark_full(str(fault))
        else:
            self._full = ""

    def _retry(self) -> None:
        now = time.monotonic()
        if now >= self._next_retry:
            self._next_retry = now + RETRY_SECONDS
            self._keep_reserve()
        if self._full:
            raise _unavailable(f"audit: {self._full}")


def _unavailable(detail: str) -> QueryRefused:
    return QueryRefused(ErrorCode.SERVICE_UNAVAILABLE, detail=detail, retry_after=1)
