"""Connections that queries borrow, each query in a READ ONLY transaction of its own.

Ending a transaction costs as much as a small query, so a thread of the pool
does it after the answer has left; a borrower in a hurry does it itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import duckdb

_MOST_IDLE = 64


class ConnectionPool:
    """Lends connections; safe for many threads.

    Args:
        connect: Opens a new connection.
    """

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._connect = connect
        first = connect()
        self._begin = first.extract_statements("BEGIN TRANSACTION READ ONLY")[0]
        self._open: deque[duckdb.DuckDBPyConnection] = deque()
        self._clean = deque([first])
        self._given = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._end_transactions, name="rollback", daemon=True)
        self._thread.start()

    def borrow_reading(self) -> duckdb.DuckDBPyConnection:
        """Return a connection in a new READ ONLY transaction; give it back with `give_back`."""
        connection = self.borrow()
        connection.execute(self._begin)
        return connection

    def borrow(self) -> duckdb.DuckDBPyConnection:
        """Return a connection without an open transaction."""
        with suppress(IndexError):
            return self._clean.pop()
        with suppress(IndexError):
            connection = self._open.pop()
            _roll_back(connection)
            return connection
        return self._connect()

    def give_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take a connection back; its results are closed, its transaction may be open."""
        self._open.append(connection)
        self._given.set()

    def close(self) -> None:
        """Close every connection that is not lent out."""
        self._closed = True
        self._given.set()
        self._thread.join()
        for connection in (*self._open, *self._clean):
            connection.close()

    def _end_transactions(self) -> None:
        while not self._closed:
            self._given.wait()
            self._given.clear()
            with suppress(IndexError):
                while True:
                    self._end(self._open.popleft())

    def _end(self, connection: duckdb.DuckDBPyConnection) -> None:
        _roll_back(connection)
        if len(self._clean) < _MOST_IDLE:
            self._clean.append(connection)
        else:
            connection.close()


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):
        connection.rollback()
