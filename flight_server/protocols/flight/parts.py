"""One result shared by several endpoints, which clients fetch in parallel.

The endpoints take turns at one running query, so together they hold every row
once and all of one snapshot. When one of them is cut, all are: its rows would
be missing from the whole.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from flight_server.answer import Answer
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Receipt
from flight_server.protocols.flight.exchange import Asked
from flight_server.protocols.flight.messages import receipt_bytes
from flight_server.protocols.flight.streams import end_of
from flight_server.protocols.flight.tickets import used

LIFETIME_S = 300.0
MOST_PER_OWNER = 256


@dataclass(frozen=True, slots=True)
class Plan:
    """A query whose result is to be shared.

    Attributes:
        owner: Whose endpoints they are.
    """

    owner: str
    query_id: str
    asked: Asked
    expires: float


class SharedResult:
    """The running query, and the endpoints that pull from it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._pull = threading.Lock()
        self._state = threading.Lock()
        self._fetched: set[int] = set()
        self._whole: set[int] = set()
        self._watching: dict[int, Callable[[], bool]] = {}
        self._failed = False
        self._schema: pa.Schema | None = None
        self._receipt: Receipt | None = None
        self._answer: Answer | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())

    def is_gone(self) -> bool:
        """Tell whether the query must stop: one of its readers has left."""
        with self._state:
            return self._failed or any(is_gone() for is_gone in self._watching.values())

    def join(self, part: int, is_gone: Callable[[], bool]) -> None:
        """Begin to fetch an endpoint.

        Raises:
            QueryRefused: INVALID_REQUEST: it was fetched before.
        """
        with self._state:
            if part in self._fetched:
                raise used()
            self._fetched.add(part)
            self._watching[part] = is_gone

    def leave(self, part: int) -> None:
        """End the fetch of an endpoint; after one that was cut nothing more comes."""
        with self._state:
            self._watching.pop(part, None)
            self._failed = self._failed or part not in self._whole
        self._close_if_cut()

    def abandon(self) -> None:
        """Let nothing more come for endpoints that nobody fetches now; those that are fetched go on."""
        with self._state:
            self._failed = self._failed or not self._watching
        self._close_if_cut()

    def _close_if_cut(self) -> None:
        """End the query if nobody reads it any more, and hold none of its rows."""
        with self._state:
            cut = self._failed and not self._watching
        answer = self._answer
        if cut and answer is not None:
            answer.close()
            with self._pull:
                self._forget_rows()

    def _forget_rows(self) -> None:
        self._answer = None
        self._batches = iter(())

    def start(self, run: Callable[[], Answer]) -> pa.Schema:
        """Run the query unless it runs already, and return its schema."""
        with self._pull:
            if self._schema is None:
                answer = run()
                self._answer, self._batches, self._schema = answer, answer.batches(), answer.schema
            return self._schema

    def messages(self, part: int) -> Iterator[Any]:
        """Yield this endpoint's share of the rows, and last the receipt."""
        whole = False
        try:
            while (batch := self._next()) is not None:
                yield batch
            whole = True
        finally:
            with self._state:
                if whole:
                    self._whole.add(part)
                else:
                    self._failed = True
        if self._receipt is not None and self._schema is not None:
            yield end_of(self._schema, receipt_bytes(self._receipt))

    def _next(self) -> pa.RecordBatch | None:
        with self._pull:
            if self._failed:
                raise QueryRefused(ErrorCode.QUERY_CANCELLED, detail="another endpoint was cut")
            batch = next(self._batches, None)
            if batch is None and self._answer is not None:
                self._receipt = self._answer.receipt
                self._forget_rows()
            return batch


class SharedResults:
    """The shared results whose endpoints are out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[str, SharedResult] = {}

    def plan(self, owner: str, query_id: str, asked: Asked) -> str:
        """Note a query that is to be shared and return the token of its tickets."""
        token = secrets.token_hex(16)
        now = time.monotonic()
        with self._lock:
            self._results[token] = SharedResult(Plan(owner, query_id, asked, now + LIFETIME_S))
            dropped = self._expired(now) + self._surplus(owner)
        for shared in dropped:
            shared.abandon()
        return token

    def find(self, owner: str, token: str) -> SharedResult:
        """Return a shared result.

        Raises:
            QueryRefused: INVALID_REQUEST: its time is over, or it never was.
        """
        with self._lock:
            dropped = self._expired(time.monotonic())
            shared = self._results.get(token)
        for one in dropped:
            one.abandon()
        if shared is None or shared.plan.owner != owner:
            raise used()
        return shared

    def _expired(self, now: float) -> list[SharedResult]:
        """Take out what has waited too long; the caller has the lock."""
        old = [token for token, one in self._results.items() if one.plan.expires < now]
        return [self._results.pop(token) for token in old]

    def _surplus(self, owner: str) -> list[SharedResult]:
        """Take out the oldest of what *owner* has too many of; the caller has the lock."""
        mine = [token for token, one in self._results.items() if one.plan.owner == owner]
        return [self._results.pop(token) for token in mine[: max(0, len(mine) - MOST_PER_OWNER)]]
