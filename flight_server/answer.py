"""A query in progress, and the answer that is pulled out of it.

Whatever happens (success, refusal, cancellation, a reader that leaves), the
query is settled exactly once and gives its slot and its connection back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Executor

import pyarrow as pa
from structlog.typing import FilteringBoundLogger

from flight_server.batch_size import size_of
from flight_server.engines.engine import Execution
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.logs import log_query
from flight_server.metrics import Metrics
from flight_server.model import Grant, Principal, Query, Receipt
from flight_server.steps.admit import Slot
from flight_server.steps.compile import Understood
from flight_server.steps.estimate import CostFacts
from flight_server.steps.execute import Recording, Running
from flight_server.steps.mask import mask_batches, masked_schema
from flight_server.steps.meter import Happened, Settled, Settlement
from flight_server.steps.reserve import Reservation
from flight_server.steps.transpile import Plan
from flight_server.syntax.names import PUBLIC_CATALOG
from flight_server.traces import QueryTrace, under_way
from flight_server.watcher import Call, Watcher

SHORT_ROWS = 2048
"""A batch of fewer rows may be the last one."""


class Progress:
    """What is known of one query so far; every step adds what it found out."""

    def __init__(
        self,
        query: Query,
        call: Call,
        watcher: Watcher,
        settlement: Settlement,
        metrics: Metrics,
        log: FilteringBoundLogger,
        engine: str,
        session_id: str,
        trace: QueryTrace | None = None,
    ) -> None:
        self.query = query
        self.call = call
        self.slot: Slot | None = None
        self.principal: Principal | None = None
        self.understood: Understood | None = None
        self.grant: Grant | None = None
        self.cost: CostFacts | None = None
        self.reservation: Reservation | None = None
        self.execution: Execution | None = None
        self.recording: Recording | None = None
        self.plan: Plan | None = None
        self.transpile_cache_hit = False
        self.result_cache_hit = False
        self.masked_columns: tuple[str, ...] = ()
        self.rows = 0
        self.bytes = 0
        self.announced = False
        self._watcher = watcher
        self._settlement = settlement
        self._metrics = metrics
        self._log = log
        self.engine = engine
        self._session_id = session_id
        self._trace = trace
        self._steps: dict[str, float] = {}
        self._lock = threading.Lock()
        self._settled: Settled | None = None
        call.when_stuck(self._give_up)
        self._last = time.perf_counter()

    def step(self, name: str) -> None:
        """Note that the step *name* has just ended."""
        now = time.perf_counter()
        self._steps[name] = (now - self._last) * 1000
        self._last = now

    def executed(self) -> None:
        """Note that the steps 9 and 10 have ended."""
        pin_ms = self.call.pin_ms
        if pin_ms:
            self._steps["snapshot"] = pin_ms
            self._last += pin_ms / 1000
        self.step("execute")

    def masked(self, seconds: float) -> None:
        """Note what masking took while the rows left."""
        self._steps["mask"] = seconds * 1000

    def announce(self) -> None:
        """Have a record that rows begin to leave, before more of them do."""
        if not self.announced:
            self.announced = True
            self._settlement.announce(self._happened(None))

    def settle(self) -> Receipt:
        """End a query that was answered to the last row.

        Raises:
            QueryRefused: SERVICE_UNAVAILABLE, if the record cannot be written; the reason of the
                stop, if the query was stopped and given up meanwhile.
        """
        self.call.check()
        settled = self._settle(None)
        if settled.entry.outcome != "OK":
            raise QueryRefused(ErrorCode(settled.entry.outcome))
        return settled.receipt

    def refuse(self, error: BaseException) -> BaseException:
        """End a query that failed, and return what its adapter is to raise."""
        refusal = error if isinstance(error, QueryRefused) else self._defect(error)
        try:
            recorded = self._settle(refusal).entry.outcome
        except QueryRefused as unrecorded:
            unrecorded.query_id = self.query.query_id
            return unrecorded
        if recorded not in ("OK", refusal.code):  # it had ended before, and its reader learns only now
            refusal = QueryRefused(ErrorCode(recorded))
        refusal.query_id = self.query.query_id
        return refusal if isinstance(error, Exception) else error

    def abandon(self) -> None:
        """End a description: it costs nothing and leaves no record unless it was refused."""
        self._release()
        if self._trace is not None:
            self._trace.end(self._steps)

    def _defect(self, error: BaseException) -> QueryRefused:
        """Return the refusal for an exception that nobody foresaw; its text stays here."""
        if isinstance(error, (GeneratorExit, KeyboardInterrupt)):
            return QueryRefused(self.call.reason or ErrorCode.QUERY_CANCELLED, detail="the reader left")
        self._log.error("defect", query_id=self.query.query_id, exc_info=error)
        return QueryRefused(ErrorCode.INTERNAL_ERROR, detail=repr(error)[:2000])

    def _give_up(self) -> None:
        """End a stopped query whose handler hangs, most likely in sending to a reader that does not read."""
        reason = self.call.reason or ErrorCode.QUERY_TIMEOUT
        self.refuse(QueryRefused(reason, detail="the reader does not read"))

    def _settle(self, refusal: QueryRefused | None) -> Settled:
        """Settle, count and log the query, the first time; give everything back."""
        with self._lock:
            if self._settled is not None:
                self._release()
                return self._settled
            try:
                self._settled = self._settlement.settle(self._happened(refusal))
            finally:
                self._release()
                if self._trace is not None:
                    self._end_trace(self._trace, refusal)
        self._metrics.record(self._settled.entry, self._settled.ending_ms)
        log_query(self._log, self._settled.entry)
        return self._settled

    def _end_trace(self, trace: QueryTrace, refusal: QueryRefused | None) -> None:
        """Write the spans, that of the step that refused included."""
        self._trace = None
        settled = self._settled
        ending = settled.ending_ms if settled else {}
        if refusal is None and settled:
            trace.end({**self._steps, **ending}, entry=settled.entry)
            return
        code = refusal.code if refusal else ErrorCode.SERVICE_UNAVAILABLE
        refuser = under_way(self._steps, self.transpile_cache_hit)
        rest = (time.perf_counter() - self._last) * 1000 - sum(ending.values())
        trace.end(
            {**self._steps, refuser: rest, **ending}, code, refuser, entry=settled.entry if settled else None
        )

    def _release(self) -> None:
        self._watcher.forget(self.call)
        if self.execution is not None:
            self.execution.close()
        if self.recording is not None:
            self.recording.drop()
        if self.slot is not None:
            self.slot.release()

    def _happened(self, refusal: QueryRefused | None) -> Happened:
        grant, plan = self.grant, self.plan
        statement = self.understood.statement if self.understood else None
        tables = grant.tables.values() if grant else ()
        return Happened(
            query=self.query,
            finished=time.monotonic(),
            session_id=self._session_id,
            principal=self.principal,
            grant=grant,
            cost=self.cost,
            reservation=self.reservation,
            kind=statement.verb if statement else "",
            tables=tuple(map(str, statement.tables)) if statement else (),
            row_filters=tuple(str(table.table) for table in tables if table.filters),
            masked_columns=self.masked_columns,
            engine=self.engine if plan else "",
            engine_sql=plan.sql if plan else "",
            executed=self.execution is not None,
            rows=self.rows,
            rows_affected=self.execution.rows_affected if self.execution else None,
            bytes=self.bytes,
            transpile_cache_hit=self.transpile_cache_hit,
            result_cache_hit=self.result_cache_hit,
            steps_ms=self._steps,
            refusal=refusal,
        )


class Answer:
    """The rows of a query and, once they are all pulled, its receipt."""

    def __init__(
        self, progress: Progress, plan: Plan, running: Running, mask_pool: Executor | None = None
    ) -> None:
        progress.plan = plan
        self._progress = progress
        self._running = running
        self._late = {} if running.from_cache else dict(plan.late)
        self._mask_pool = mask_pool
        found = running.execution.schema
        self.schema: pa.Schema = found if running.from_cache else public_schema(found, plan)
        self._renamed = self.schema.names != found.names
        self.receipt: Receipt | None = None
        progress.masked_columns = tuple(self.schema.names[position] for position, _ in plan.masked)

    @property
    def query_id(self) -> str:
        """The query's id."""
        return self._progress.query.query_id

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows; once the query is settled, with the last ones or after them, `receipt` is there.

        A short batch is held until it is known whether it is the last, so that a small answer
        is recorded before any of it leaves.

        Raises:
            QueryRefused: The query failed, was stopped, or may not return as many rows.
        """
        progress = self._progress
        held: pa.RecordBatch | None = None
        try:
            for batch in self._ready():
                if held is not None:
                    yield self._leaving(held)
                    held = None
                if batch.num_rows < SHORT_ROWS:
                    held = batch
                else:
                    yield self._leaving(batch)
            progress.step("stream")
            if self._running.recording is not None:
                self._running.recording.keep(self.schema)
            self.receipt = progress.settle()
            if held is not None:
                yield held
        except BaseException as error:  # noqa: BLE001  # whatever happens, the query is settled
            raise progress.refuse(error) from None

    def _ready(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows masked, counted and taken note of."""
        batches = self._running.execution.batches()
        for batch in self._changed(batches) if self._late or self._renamed else batches:
            self._progress.call.check()
            size = size_of(batch)
            self._count(batch.num_rows, size)
            if self._running.recording is not None:
                self._running.recording.add(batch, size)
            yield batch

    def _leaving(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return *batch*, which leaves before the answer is whole, with a record that it does."""
        self._progress.announce()
        if self._running.recording is not None:
            self._running.recording.leaves()
        return batch

    def close(self) -> None:
        """End the query if its rows were not all pulled; harmless when repeated."""
        if self.receipt is None:
            self._progress.refuse(GeneratorExit())

    def _changed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches under public names, with the columns masked that pass unchanged (step 11)."""
        pulled = Stopwatch(batches)
        masked = Stopwatch(mask_batches(pulled, self._late, self._mask_pool))
        for batch in masked:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)
        self._progress.masked(masked.seconds - pulled.seconds)

    def _count(self, rows: int, size: int) -> None:
        progress = self._progress
        progress.rows += rows
        progress.bytes += size
        limit = progress.grant.limits.max_rows if progress.grant else None
        if limit is not None and progress.rows > limit:
            raise QueryRefused(
                ErrorCode.RESULT_TOO_LARGE,
                f"Result too large: your role may read {limit} rows in one query; use LIMIT and OFFSET",
            )


class Stopwatch:
    """Passes batches on, and knows how long it has waited for them."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        began = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.seconds += time.perf_counter() - began


def public_schema(schema: pa.Schema, plan: Plan) -> pa.Schema:
    """Return the schema that the caller sees: masked columns as Utf8, and no name of ours.

    Raises:
        QueryRefused: POLICY_DENIED, if the result is not what the plan foresaw.
    """
    if plan.masked and len(plan.names) != len(schema):
        raise _unforeseen(f"{len(schema)} columns, {len(plan.names)} foreseen")
    masks = dict(plan.masked)
    shown = masked_schema(schema, masks) if masks else schema
    if plan.nonce and any(plan.nonce in name for name in schema.names):
        shown = _renamed(shown, plan, frozenset(position for position, _ in plan.late))
    if plan.hides and plan.nonce and any(plan.nonce in str(kind) for kind in shown.types if kind.num_fields):
        raise _unforeseen("an output holds a name of ours")
    return shown


def _renamed(schema: pa.Schema, plan: Plan, late: frozenset[int]) -> pa.Schema:
    for position, name in enumerate(schema.names):
        written = plan.names[position] if position in late else name
        public = written.replace(f"sealed_{plan.nonce}.", f"{PUBLIC_CATALOG}.")
        if plan.nonce in public:
            raise _unforeseen(f"output {position} has a name of ours")
        schema = schema.set(position, schema.field(position).with_name(public))
    return schema


def _unforeseen(detail: str) -> QueryRefused:
    return QueryRefused(ErrorCode.POLICY_DENIED, "This form of query is not permitted", detail=detail)
