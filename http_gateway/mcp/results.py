"""Results that are too large for a model's context: kept for a while, for whoever asked and nobody else."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from http_gateway.credentials import Caller
from http_gateway.errors import Code, Refused
from http_gateway.receipt import Receipt
from http_gateway.request_body import QueryBody
from http_gateway.spool import Spool

KEPT_SECONDS: Final = 600
MOST_KEPT: Final = 256
MOST_OF_ONE_CALLER: Final = 16
LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """One result.

    Attributes:
        owner: Digest of who asked.
        question: What was asked; whoever fetches must still be permitted to.
        receipt: What the answer came with.
        expires: By `time.monotonic()`.
    """

    spool: Spool
    owner: str
    question: QueryBody
    receipt: Receipt
    rows: int
    columns: int
    expires: float


class KeptResults:
    """Keeps results by an unguessable name; safe for many threads."""

    def __init__(self, seconds: float = KEPT_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: dict[str, Kept] = {}

    def keep(
        self, spool: Spool, caller: Caller, question: QueryBody, receipt: Receipt, rows: int, columns: int
    ) -> str:
        """Keep the Arrow stream in *spool*, which is closed later, and return its name.

        The oldest results go when there are too many.
        """
        name = secrets.token_urlsafe(24)
        expires = time.monotonic() + self._seconds
        kept = Kept(spool, owner_of(caller), question, receipt, rows, columns, expires)
        with self._lock:
            self._kept[name] = kept
            self._drop_expired()
            of_caller = [other for other, one in self._kept.items() if one.owner == kept.owner]
            for other in of_caller[:-MOST_OF_ONE_CALLER]:
                self._drop(other)
            for other in list(self._kept)[:-MOST_KEPT]:
                self._drop(other)
        return name

    def get(self, name: str, caller: Caller) -> Kept:
        """Return the result *name* of *caller*.

        Raises:
            Refused: `NOT_FOUND`, also for another caller's.
        """
        with self._lock:
            self._drop_expired()
            kept = self._kept.get(name)
        if kept is None or not secrets.compare_digest(kept.owner, owner_of(caller)):
            raise Refused(Code.NOT_FOUND, "there is no such result, or no longer")
        return kept

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            for name in list(self._kept):
                self._drop(name)

    def _drop_expired(self) -> None:
        now = time.monotonic()
        for name in [name for name, kept in self._kept.items() if kept.expires < now]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._kept.pop(name).spool.close()


def owner_of(caller: Caller) -> str:
    """Return what tells one identity from another, without holding its key."""
    return hashlib.sha256(repr((caller.key, caller.agent_id)).encode()).hexdigest()


def statistics(table: pa.Table) -> list[dict[str, object]]:
    """Return for each column its nulls and, where values have an order, the least and the greatest."""
    return [_of_column(table.schema.field(at).name, table.column(at)) for at in range(table.num_columns)]


def _of_column(name: str, column: pa.ChunkedArray) -> dict[str, object]:
    found: dict[str, object] = {"name": name, "nulls": column.null_count}
    try:
        extremes = pc.min_max(column)
        found |= {"min": _shown(extremes["min"].as_py()), "max": _shown(extremes["max"].as_py())}
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            found["mean"] = _shown(pc.mean(column).as_py())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return found
    return found


def _shown(value: Any) -> object:  # Any: a value of any Arrow type
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return str(value)[:LONGEST_TEXT]
