"""Which tables have been changed since when, known before the change is answered.

A statement that may commit is marked from before it begins until after it is
committed. Meanwhile nothing that was remembered of its tables is used, and
afterwards nothing that was remembered before.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from flight_server.model import TableName


class Changes:
    """Counts commits, for each table and altogether; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writing: Counter[TableName | None] = Counter()
        self._versions: Counter[TableName] = Counter()
        self._everything = 0
        self._commits = 0
        self.coarse = False
        """Whether a write may change other tables than its own, as triggers do."""

    @contextmanager
    def writing(self, tables: Iterable[TableName] | None) -> Iterator[None]:
        """Mark a statement that may commit changes of *tables*, or of any table for None."""
        named: list[TableName | None] = [None] if tables is None or self.coarse else list(tables)
        with self._lock:
            self._writing.update(named)
        try:
            yield
        finally:
            with self._lock:
                self._writing.subtract(named)
                self._writing += Counter()
                self._count(named)

    def _count(self, named: list[TableName | None]) -> None:
        self._commits += 1
        for name in named:
            if name is None:
                self._everything += 1
            else:
                self._versions[name] += 1

    @property
    def mark(self) -> int:
        """The number of the present state, or -1 while a statement may be changing it."""
        with self._lock:
            return -1 if self._writing else self._commits

    def stamp(self, tables: Iterable[TableName]) -> tuple[int, ...] | None:
        """Return the versions of *tables*, in order of name, or None while one may be changing."""
        names = sorted(tables)
        with self._lock:
            if None in self._writing or any(name in self._writing for name in names):
                return None
            return (self._everything, *(self._versions[name] for name in names))
