"""The tables of the public catalog, as one immutable snapshot with a version.

Compiled queries are cached under the version, so whoever changes a definition
calls `changed` once the change is committed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flight_server.model import TableName
from flight_server.syntax.names import DEFAULT_SCHEMA, fold

ROW_COUNTS_MAX_AGE_S = 5.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column as DuckDB describes it; `type` and `default` are SQL text such as `DECIMAL(18,2)`."""

    name: str
    type: str
    nullable: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view of the public catalog; `schema` and `name` as they were written.

    Attributes:
        definition: The text of a view, empty for a table.
        engine: The remote engine that holds it, whose name its `schema` begins with; empty for the warehouse.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    estimated_rows: int
    is_view: bool
    definition: str = ""
    engine: str = ""

    def column(self, name: str) -> Column | None:
        """Return the column that *name* folds to, or None."""
        folded = fold(name)
        return next((column for column in self.columns if fold(column.name) == folded), None)


@dataclass(frozen=True, slots=True)
class CatalogSnapshot:
    """All tables at one version; keys are folded."""

    version: int
    tables: Mapping[TableName, Table] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset({DEFAULT_SCHEMA})


Loader = Callable[[], tuple[list[Table], list[str]]]


class Catalog:
    """Keeps the newest snapshot; reading it costs a lock-free attribute look-up.

    Args:
        load: Returns the tables and the schema names, from the engine.
    """

    def __init__(self, load: Loader) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._version = 0
        self._loaded_at = 0.0
        self._snapshot = self._read()

    def snapshot(self) -> CatalogSnapshot:
        """Return the newest snapshot; its row counts are at most five seconds old."""
        if time.monotonic() - self._loaded_at > ROW_COUNTS_MAX_AGE_S and self._lock.acquire(blocking=False):
            try:
                self._snapshot = self._read()
            finally:
                self._lock.release()
        return self._snapshot

    def changed(self) -> None:
        """Read the catalog anew under a new version, after a committed definition."""
        with self._lock:
            self._version += 1
            self._snapshot = self._read()

    def _read(self) -> CatalogSnapshot:
        tables, schemas = self._load()
        self._loaded_at = time.monotonic()
        return CatalogSnapshot(
            self._version,
            {TableName(fold(table.schema), fold(table.name)): table for table in tables},
            frozenset(map(fold, schemas)) | {DEFAULT_SCHEMA},
        )
