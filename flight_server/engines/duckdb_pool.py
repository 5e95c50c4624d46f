"""Connections that queries borrow, each query in a READ ONLY transaction of its own.

Beginning and ending a transaction costs as much as a small query, so both
travel in one script with the next query's text. A connection that nobody
borrows again within moments is rolled back by the janitor, so that no old
snapshot stays pinned.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import duckdb

_BEGIN = "BEGIN TRANSACTION READ ONLY; "
_FRESH = "ROLLBACK; " + _BEGIN
_IDLE_S = 0.05
_MOST_IDLE = 64


class ConnectionPool:
    """Lends connections; safe for many threads.

    Args:
        connect: Opens a new connection.
    """

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._open: list[tuple[duckdb.DuckDBPyConnection, float]] = []
        self._clean: list[duckdb.DuckDBPyConnection] = []
        self._given = threading.Event()
        self._closed = False
        self._janitor = threading.Thread(target=self._tidy, name="rollback", daemon=True)
        self._janitor.start()

    def borrow(self) -> tuple[duckdb.DuckDBPyConnection, str]:
        """Return a connection, and the statements to put before a query to begin its transaction."""
        with self._lock:
            if self._open:
                return self._open.pop()[0], _FRESH
            if self._clean:
                return self._clean.pop(), _BEGIN
        return self._connect(), _BEGIN

    def borrow_clean(self) -> duckdb.DuckDBPyConnection:
        """Return a connection without an open transaction."""
        with self._lock:
            if self._clean:
                return self._clean.pop()
        return self._connect()

    def give_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take a connection back, whose transaction may still be open but whose results are closed."""
        with self._lock:
            self._open.append((connection, time.monotonic()))
        if not self._given.is_set():
            self._given.set()

    def give_back_clean(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take a connection back that has no open transaction."""
        with self._lock:
            self._clean.append(connection)

    def close(self) -> None:
        """Close every connection that is not lent out."""
        self._closed = True
        self._given.set()
        self._janitor.join()
        with self._lock:
            idle = [connection for connection, _ in self._open] + self._clean
            self._open, self._clean = [], []
        for connection in idle:
            connection.close()

    def _tidy(self) -> None:
        """End the transactions of connections that nobody has borrowed again."""
        while not self._closed:
            self._given.wait()
            time.sleep(_IDLE_S)
            with self._lock:
                before = time.monotonic() - _IDLE_S
                stale = [connection for connection, since in self._open if since < before]
                self._open = [entry for entry in self._open if entry[1] >= before]
                if not self._open:
                    self._given.clear()
            for connection in stale:
                self._end(connection)

    def _end(self, connection: duckdb.DuckDBPyConnection) -> None:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        with self._lock:
            if len(self._clean) < _MOST_IDLE:
                self._clean.append(connection)
                return
        connection.close()
