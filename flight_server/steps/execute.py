"""Steps 9 and 10: pin a state and run the plan in it, or take what it answered in the same state before."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from flight_server.engines.engine import Execution, Session
from flight_server.model import Scalar
from flight_server.steps.transpile import Plan
from flight_server.stores.cache import Flight, Kept, ResultCache
from flight_server.stores.changes import Changes
from flight_server.watcher import Call


class Remembered:
    """An answer out of the cache; its batches are passed on by reference."""

    def __init__(self, kept: Kept) -> None:
        self.schema = kept.schema
        self.rows_affected: int | None = None
        self._batches = kept.batches

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result."""
        yield from self._batches

    def close(self) -> None:
        """Nothing is held."""


class Recording:
    """Collects an answer while it leaves, and keeps it once it is whole.

    Args:
        flight: What others wait for; it is landed whatever happens.
    """

    def __init__(self, cache: ResultCache, key: Hashable, flight: Flight) -> None:
        self._cache = cache
        self._key = key
        self._flight = flight
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0
        self._ended = False

    def add(self, batch: pa.RecordBatch, size: int) -> None:
        """Take a batch of *size* bytes that is about to leave; too large an answer is not kept."""
        if self._ended:
            return
        self._bytes += size
        if not self._cache.fits(self._key, self._bytes):
            self.drop()
            return
        self._batches.append(batch)

    def leaves(self) -> None:
        """Note that rows begin to leave before the answer is whole."""
        self._flight.leaves()

    def keep(self, schema: pa.Schema) -> None:
        """Keep the answer, which is whole."""
        if not self._ended:
            self._cache.put(self._key, schema, self._batches, self._bytes)
            self.drop()

    def drop(self) -> None:
        """Keep nothing, and let those who wait run for themselves; harmless when repeated."""
        self._ended = True
        self._batches = []
        self._cache.land(self._key, self._flight)


@dataclass(frozen=True, slots=True)
class Running:
    """What came of step 10.

    Attributes:
        from_cache: Whether the batches have left before, masked as they are.
        recording: What collects the batches, or None.
    """

    execution: Execution
    from_cache: bool = False
    recording: Recording | None = None


def execute(
    plan: Plan,
    parameters: Sequence[Scalar],
    session: Session,
    call: Call,
    version: int,
    cache: ResultCache,
    changes: Changes,
) -> Running:
    """Run *plan*, or take its answer out of the cache, or wait for another who runs the same.

    Args:
        version: The catalog's.

    Raises:
        QueryRefused: What the engine says, or why the call was stopped.
    """
    key = _key(plan, parameters, session, version, cache, changes)
    if key is None:
        return Running(session.execute(plan, parameters, call, version))
    kept = cache.get(key)
    if kept is None:
        flight, leads = cache.join(key)
        if leads:
            return _recorded(plan, parameters, session, call, version, Recording(cache, key, flight))
        flight.wait(call)
        kept = cache.get(key)
    if kept is None:
        return Running(session.execute(plan, parameters, call, version))
    return Running(Remembered(kept), from_cache=True)


def _recorded(
    plan: Plan,
    parameters: Sequence[Scalar],
    session: Session,
    call: Call,
    version: int,
    recording: Recording,
) -> Running:
    try:
        return Running(session.execute(plan, parameters, call, version), recording=recording)
    except BaseException:
        recording.drop()
        raise


def _key(
    plan: Plan,
    parameters: Sequence[Scalar],
    session: Session,
    version: int,
    cache: ResultCache,
    changes: Changes,
) -> Hashable | None:
    """Return what decides the answer, or None if it must not be remembered."""
    if plan.decided_by is None or not cache.enabled or session.in_transaction or session.temporary:
        return None
    stamp = changes.stamp(plan.decided_by)
    if stamp is None:
        return None
    values = tuple(map(_exactly, parameters))
    return (plan.sql, plan.late, plan.masked, plan.names, values, version, stamp)


def _exactly(value: Scalar) -> Hashable:
    """Return a key that equals only its own: 1, 1.0 and True are equal, and so are 1.5 and 1.50."""
    return type(value), value if isinstance(value, (str, bytes)) else repr(value)
