"""How the stores open their SQLite files: write-ahead log, one writer at a time, owner's eyes only."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

_BUSY_SECONDS = 5.0


def connect(path: Path, schema: str, *, synchronous: str = "FULL") -> sqlite3.Connection:
    """Open *path* in autocommit mode with *schema* applied; the caller serialises its threads.

    Raises:
        sqlite3.Error: The file is not a database, or stayed locked for five seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    _use_write_ahead_log(connection)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.executescript(schema)
    return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait for another process that is just switching, so we do."""
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
