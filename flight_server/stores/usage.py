"""What was used, in HOME/usage.db: by key, agent, day and table, and the credits of each key's month.

Counting happens in memory; a thread writes it down twice a second. A crash loses at most
that half second of counts. The audit log, which loses nothing, is not derived from them.
"""

from __future__ import annotations

import calendar
import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores.background import Ticker
from flight_server.stores.rate import RequestRate, WindowStorage, steady_clock
from flight_server.stores.sqlite_file import connect

FLUSH_SECONDS: Final = 0.5

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS usage (
    day TEXT, key_prefix TEXT, agent_id TEXT, table_name TEXT,
    queries INTEGER NOT NULL, refused INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    credits REAL NOT NULL,
    PRIMARY KEY (day, key_prefix, agent_id, table_name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS months (
    month TEXT, key_prefix TEXT, credits REAL NOT NULL, PRIMARY KEY (month, key_prefix)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS windows (name TEXT PRIMARY KEY, moments BLOB NOT NULL) WITHOUT ROWID;
"""
_ADD_USAGE: Final = """
INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET queries = queries + excluded.queries, refused = refused + excluded.refused,
    rows = rows + excluded.rows, bytes = bytes + excluded.bytes, credits = credits + excluded.credits
"""
_ADD_MONTH: Final = """
INSERT INTO months VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET credits = credits + excluded.credits
"""

_LineKey = tuple[str, str, str, str]
_MonthKey = tuple[str, str]

ALL_TABLES: Final = ""
"""The table name of the line that counts a query once, whatever it reads."""


class UsageLine(NamedTuple):
    """What one agent did with one key on one day; `table` is empty for the sum over everything."""

    day: str
    key_prefix: str
    agent_id: str
    table: str
    queries: int
    refused: int
    rows: int
    bytes: int
    credits: float


@dataclass(frozen=True, slots=True)
class Consumption:
    """What one finished query used; a refused one has credits 0 unless it had started."""

    key_prefix: str
    agent_id: str
    tables: tuple[str, ...]
    refused: bool
    rows: int
    bytes: int
    credits: float


class UsageStore:
    """Counts usage, holds credits of running queries, and keeps the windows of the request rates.

    Args:
        connection: An open connection to a prepared usage.db; `open` makes one.
        clock: Seconds since the epoch.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = steady_clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._lines: dict[_LineKey, list[float]] = {}
        self._month_changes: dict[_MonthKey, float] = {}
        self._held: dict[str, float] = {}
        self._day, self._day_ends = "", 0.0
        self._spent: dict[_MonthKey, float] = self._load_months()
        self._windows = WindowStorage(clock)
        self._windows.restore(dict(connection.execute("SELECT name, moments FROM windows")))
        self.rate = RequestRate(self._windows)
        self._flusher = Ticker("usage", FLUSH_SECONDS, self.flush)

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float] = steady_clock) -> Self:
        """Open the store at *path*, creating it readable by its owner alone."""
        return cls(connect(path, _SCHEMA, synchronous="NORMAL"), clock)

    def hold(self, key_prefix: str, credits: float, ceiling: float | None) -> None:
        """Set *credits* aside for a query that is about to run.

        What other running queries of the key hold counts as spent, so that queries at the
        same time cannot pass the ceiling together.

        Raises:
            QueryRefused: QUOTA_EXCEEDED: the month's ceiling does not leave so much.
        """
        with self._lock:
            held = self._held.get(key_prefix, 0.0)
            if ceiling is not None:
                left = ceiling - held - self._spent.get((self._today()[:7], key_prefix), 0.0)
                if credits > left:
                    raise self._quota_exceeded(key_prefix, ceiling, max(0.0, left))
            self._held[key_prefix] = held + credits

    def release(self, key_prefix: str, credits: float) -> None:
        """Give back what `hold` set aside; what was really used is counted by `add`."""
        with self._lock:
            left = self._held.get(key_prefix, 0.0) - credits
            if left > 1e-9:
                self._held[key_prefix] = left
            else:
                self._held.pop(key_prefix, None)

    def add(self, used: Consumption, *, counts_for_quota: bool) -> None:
        """Count a finished query: once as a whole, and once for each of its tables.

        The credits are divided evenly among the tables, so that they add up.
        """
        with self._lock:
            day = self._today()
            totals = (1, int(used.refused), used.rows, used.bytes, used.credits)
            self._count((day, used.key_prefix, used.agent_id, ALL_TABLES), totals)
            for table in used.tables:
                share = (1, int(used.refused), used.rows, used.bytes, used.credits / len(used.tables))
                self._count((day, used.key_prefix, used.agent_id, table), share)
            if counts_for_quota and used.credits:
                month = (day[:7], used.key_prefix)
                self._spent[month] = self._spent.get(month, 0.0) + used.credits
                self._month_changes[month] = self._month_changes.get(month, 0.0) + used.credits

    def spent_this_month(self, key_prefix: str) -> float:
        """Return the credits that count against the quota of *key_prefix* since the month began (UTC)."""
        with self._lock:
            return self._spent.get((self._today()[:7], key_prefix), 0.0)

    def report(self, since: dt.date, key_prefix: str | None = None) -> list[UsageLine]:
        """Return the usage since a day, of one key or of all, ordered by day, key, agent and table."""
        self.flush()
        condition = (
            "day >= ? AND (? IS NULL OR key_prefix = ?) ORDER BY day, key_prefix, agent_id, table_name"
        )
        values = (since.isoformat(), key_prefix, key_prefix)
        with self._write_lock:
            rows = self._connection.execute(f"SELECT * FROM usage WHERE {condition}", values).fetchall()
        return [UsageLine(*row) for row in rows]

    def flush(self) -> None:
        """Write down what was counted since the last time."""
        with self._write_lock:
            lines, months, windows = self._take_changes()
            if not (lines or months or windows):
                return
            try:
                self._write(lines, months, windows)
            except sqlite3.Error:
                self._put_back(lines, months)
                raise

    def close(self) -> None:
        """Write down everything and close; harmless when repeated."""
        self._flusher.close()
        with self._write_lock:
            self._connection.close()

    def _take_changes(
        self,
    ) -> tuple[dict[_LineKey, list[float]], dict[_MonthKey, float], dict[str, bytes]]:
        with self._lock:
            lines, self._lines = self._lines, {}
            months, self._month_changes = self._month_changes, {}
        return lines, months, self._windows.take_changes()

    def _write(
        self,
        lines: dict[_LineKey, list[float]],
        months: dict[_MonthKey, float],
        windows: dict[str, bytes],
    ) -> None:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(_ADD_USAGE, [(*key, *sums) for key, sums in lines.items()])
            self._connection.executemany(_ADD_MONTH, [(*key, credits) for key, credits in months.items()])
            self._connection.executemany("REPLACE INTO windows VALUES (?, ?)", list(windows.items()))
            self._connection.execute("DELETE FROM windows WHERE length(moments) = 0")

    def _put_back(self, lines: dict[_LineKey, list[float]], months: dict[_MonthKey, float]) -> None:
        with self._lock:
            for key, sums in lines.items():
                self._count(key, sums)
            for month, credits in months.items():
                self._month_changes[month] = self._month_changes.get(month, 0.0) + credits

    def _count(self, key: _LineKey, amounts: Sequence[float]) -> None:
        sums = self._lines.get(key)
        if sums is None:
            self._lines[key] = list(amounts)
            return
        for position, amount in enumerate(amounts):
            sums[position] += amount

    def _load_months(self) -> dict[_MonthKey, float]:
        month = self._today()[:7]
        rows = self._connection.execute("SELECT * FROM months WHERE month = ?", (month,))
        return {(when, key): credits for when, key, credits in rows}

    def _today(self) -> str:
        now = self._clock()
        if now >= self._day_ends or not self._day:
            self._day = dt.datetime.fromtimestamp(now, dt.UTC).date().isoformat()
            self._day_ends = (now // 86_400 + 1) * 86_400
        return self._day

    def _quota_exceeded(self, key_prefix: str, ceiling: float, left: float) -> QueryRefused:
        now = self._clock()
        reset = _month_end(now)
        return QueryRefused(
            ErrorCode.QUOTA_EXCEEDED,
            detail=f"{key_prefix} has {left:.2f} of {ceiling:g} credits left this month",
            retry_after=max(1.0, reset - now),
            rate_limit=(int(ceiling), int(left), reset),
        )


def _month_end(now: float) -> int:
    """Return when the UTC month of *now* ends, in seconds since the epoch."""
    today = dt.datetime.fromtimestamp(now, dt.UTC)
    year, month = divmod(today.year * 12 + today.month, 12)
    return calendar.timegm((year, month + 1, 1, 0, 0, 0))
