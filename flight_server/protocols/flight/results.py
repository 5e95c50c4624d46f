"""Results of statements that have run, each waiting for its one fetch."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace

import pyarrow as pa

LIFETIME_S = 300.0
MOST_PER_OWNER = 256
MOST_BYTES_PER_OWNER = 64 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement answered.

    Attributes:
        metadata: Its receipt, as JSON.
    """

    table: pa.Table
    metadata: bytes


@dataclass(frozen=True, slots=True)
class _Waiting:
    owner: str
    result: Result
    expires: float


class Results:
    """Keeps results until they are fetched, expire, or their owner has too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def keep(self, owner: str, result: Result) -> str:
        """Keep *result* and return the token that fetches it."""
        token = secrets.token_hex(16)
        now = time.monotonic()
        with self._lock:
            self._waiting[token] = _Waiting(owner, result, now + LIFETIME_S)
            self._drop_old(now)
            self._drop_surplus(owner)
        return token

    def take(self, owner: str, token: str) -> Result | None:
        """Return a result and forget it; None if it was taken or dropped."""
        with self._lock:
            self._drop_old(time.monotonic())
            waiting = self._waiting.get(token)
            if waiting is None or waiting.owner != owner:
                return None
            del self._waiting[token]
            return waiting.result

    def renew(self, owner: str, token: str) -> bool:
        """Keep a result as long again, from now on; False if it was taken or dropped."""
        now = time.monotonic()
        with self._lock:
            self._drop_old(now)
            waiting = self._waiting.get(token)
            if waiting is None or waiting.owner != owner:
                return False
            self._waiting[token] = replace(waiting, expires=now + LIFETIME_S)
            self._waiting.move_to_end(token)
            return True

    def _drop_old(self, now: float) -> None:
        while self._waiting:
            token, waiting = next(iter(self._waiting.items()))
            if waiting.expires > now:
                return
            del self._waiting[token]

    def _drop_surplus(self, owner: str) -> None:
        mine = [(token, one) for token, one in self._waiting.items() if one.owner == owner]
        size = sum(one.result.table.nbytes for _, one in mine)
        for count, (token, one) in zip(range(len(mine), 1, -1), mine, strict=False):
            if count <= MOST_PER_OWNER and size <= MOST_BYTES_PER_OWNER:
                return
            size -= one.result.table.nbytes
            del self._waiting[token]
