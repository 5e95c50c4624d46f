"""Connections that queries borrow, inside READ ONLY transactions.

Beginning and ending a transaction costs as much as a small query. While nothing
is committed, a transaction that just served one query pins exactly the state
that a new one would, so the next query may go on in it. What the clock says
inside a transaction is when it began; queries that ask for it begin their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from flight_server.stores.changes import Changes

LONGEST_S = 0.25
"""How long a transaction may serve one query after another."""
_IDLE_S = 0.05
_MOST_IDLE = 64


@dataclass(frozen=True, slots=True)
class Lease:
    """A connection in a READ ONLY transaction, and the state that it pins."""

    connection: duckdb.DuckDBPyConnection
    mark: int
    began: float


class ConnectionPool:
    """Lends connections; safe for many threads.

    Args:
        connect: Opens a new connection.
        changes: Told by everything that commits.
    """

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection], changes: Changes) -> None:
        self._connect = connect
        self._changes = changes
        first = connect()
        self._begin = first.extract_statements("BEGIN TRANSACTION READ ONLY")[0]
        self._lock = threading.Lock()
        self._open: list[Lease] = []
        self._clean = [first]
        self._given = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._tidy, name="rollback", daemon=True)
        self._thread.start()

    def lease(self, fresh: bool) -> Lease:
        """Return a connection in a transaction that pins the newest state; *fresh* asks for a new one."""
        mark = self._changes.mark
        now = time.monotonic()
        with self._lock:
            last = self._open.pop() if self._open and not fresh else None
        if last is not None:
            if last.mark == mark and mark >= 0 and now - last.began < LONGEST_S:
                return last
            _roll_back(last.connection)
        connection = self.borrow() if last is None else last.connection
        connection.execute(self._begin)
        return Lease(connection, mark, now)

    def release(self, lease: Lease, reusable: bool) -> None:
        """Take a lease back, its results closed; one whose query failed or was cut is not *reusable*."""
        if not reusable:
            _roll_back(lease.connection)
            self.give_back(lease.connection)
            return
        with self._lock:
            self._open.append(lease)
        if not self._given.is_set():
            self._given.set()

    def borrow(self) -> duckdb.DuckDBPyConnection:
        """Return a connection without an open transaction; `give_back` must follow."""
        with self._lock:
            if self._clean:
                return self._clean.pop()
        return self._connect()

    def give_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take back a connection without an open transaction."""
        with self._lock:
            if len(self._clean) < _MOST_IDLE:
                self._clean.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close every connection that is not lent out."""
        self._closed = True
        self._given.set()
        self._thread.join()
        for connection in (*(lease.connection for lease in self._open), *self._clean):
            connection.close()

    def _tidy(self) -> None:
        """End the transactions that nobody goes on with, so that no old state stays pinned."""
        while not self._closed:
            self._given.wait()
            time.sleep(_IDLE_S)
            latest = time.monotonic() - LONGEST_S
            with self._lock:
                mark = self._changes.mark
                stale = [lease for lease in self._open if lease.began < latest or lease.mark != mark]
                self._open = [lease for lease in self._open if lease not in stale]
                if not self._open:
                    self._given.clear()
            for lease in stale:
                _roll_back(lease.connection)
                self.give_back(lease.connection)


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):
        connection.rollback()
