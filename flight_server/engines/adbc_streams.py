"""Rows of a remote engine, pulled by the link's thread and handed over through a short queue.

An answer is whole only when the driver has said so; every other end is a refusal.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flight_server.engines.adbc_link import Link, OpenConnection, run
from flight_server.engines.batches import cut
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.watcher import Call

SENT_AS_IT_IS = 2_000_000
"""Cutting a batch of texts copies it, so one of a remote engine that is not much too large stays whole."""
MOST_WAITING = 8
MOST_WAITING_BYTES = 8 << 20


class RemoteStream:
    """A query that a remote engine runs.

    Args:
        expected: The schema to answer with; the engine's columns are cast to it, by position.
        give_back: Takes the link back; told whether its connection is fit for another query,
            and what went wrong.
        fail: Makes the refusal of a driver's error.
    """

    def __init__(
        self,
        link: Link,
        sql: str,
        expected: pa.Schema | None,
        call: Call,
        give_back: Callable[[bool, BaseException | None], None],
        fail: Callable[[BaseException], QueryRefused],
        batch_bytes: int,
    ) -> None:
        self.rows_affected: int | None = None
        self._sql = sql
        self._expected = expected
        self._call = call
        self._give_back = give_back
        self._fail = fail
        self._batch_bytes = batch_bytes
        self._changed = threading.Condition()
        self._ready: deque[pa.RecordBatch] = deque()
        self._waiting = 0
        self._schema: pa.Schema | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._stopped = False
        self._closed = False
        self._handle = threading.Lock()
        self._statement: Any = None
        self._let_go = call.on_stop(self._stop)
        link.submit(self._pull)

    @property
    def schema(self) -> pa.Schema:
        """The schema of every batch."""
        return self._schema

    def started(self) -> RemoteStream:
        """Wait until the engine has begun to answer.

        Raises:
            QueryRefused: What the engine says, or why the call was stopped.
        """
        with self._changed:
            while self._schema is None and self._error is None and not self._stopped:
                self._changed.wait()
            error = self._error
        if self._schema is None or self._stopped:
            self.close()
            self._call.check()
            raise self._fail(error or RuntimeError("stopped"))
        return self

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result as it comes.

        Raises:
            QueryRefused: It does not come to its end.
        """
        while (batch := self._next()) is not None:
            if batch.num_rows:
                yield from cut(batch, max(self._batch_bytes, SENT_AS_IT_IS))

    def close(self) -> None:
        """Stop the query if it still runs, and let its link go; safe from any thread."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            whole = self._ended and self._error is None
            self._ready.clear()
        self._let_go()
        if not whole:
            self._stop()
        self._give_back(whole, self._error)

    def _next(self) -> pa.RecordBatch | None:
        with self._changed:
            while not (self._ready or self._ended or self._stopped or self._closed):
                self._changed.wait()
            if self._ready and not self._stopped:
                batch = self._ready.popleft()
                self._waiting -= batch.nbytes
                self._changed.notify_all()
                return batch
            error = self._error
            whole = self._ended and error is None and not self._stopped
        if whole:
            return None
        self._call.check()
        raise self._fail(error or RuntimeError("the query was closed"))

    def _stop(self) -> None:
        """Stop waiting, and have the engine told; does not wait for it."""
        with self._changed:
            if self._stopped:
                return
            self._stopped = True
            self._changed.notify_all()
        if self._statement is not None:
            threading.Thread(target=self._cancel, name="cancel", daemon=True).start()

    def _cancel(self) -> None:
        with self._handle, suppress(Exception):  # it has ended meanwhile, or its connection is broken
            if self._statement is not None:
                self._statement.cancel()

    def _pull(self, opened: OpenConnection) -> None:
        """Run the query and queue its batches; the link's thread does."""
        try:
            statement = opened.statement(self._sql, self._call.trace())
            try:
                self._statement = statement
                if not self._stopped:
                    self._queue_all(run(statement))
            finally:
                with self._handle, suppress(Exception):  # what cannot be closed is broken, as follows
                    self._statement = None
                    statement.close()
        except BaseException as error:  # noqa: BLE001  # whoever pulls the rows raises it
            self._end(error)
        else:
            self._end(None)

    def _queue_all(self, reader: pa.RecordBatchReader) -> None:
        expected = reader.schema if self._expected is None else self._expected
        if len(expected) != len(reader.schema):
            raise ChangedTableError(f"{len(reader.schema)} columns came, {len(expected)} were expected")
        with self._changed:
            self._schema = expected
            self._changed.notify_all()
        with reader:
            for batch in reader:
                if not self._queue(adapted(batch, expected)):
                    return

    def _queue(self, batch: pa.RecordBatch) -> bool:
        """Hand *batch* over as soon as there is room; tell whether more is wanted."""
        with self._changed:
            while not self._stopped and self._is_full():
                self._changed.wait()
            if self._stopped:
                return False
            self._ready.append(batch)
            self._waiting += batch.nbytes
            self._changed.notify_all()
            return True

    def _is_full(self) -> bool:
        return len(self._ready) >= MOST_WAITING or self._waiting >= MOST_WAITING_BYTES

    def _end(self, error: BaseException | None) -> None:
        with self._changed:
            self._error = error
            self._ended = True
            self._changed.notify_all()


class ChangedTableError(Exception):
    """A remote table is not what it was when it was last looked at."""


def adapted(batch: pa.RecordBatch, expected: pa.Schema) -> pa.RecordBatch:
    """Return *batch* with its columns, by position, in the types and under the names of *expected*.

    Raises:
        QueryRefused: A value does not fit.
    """
    if batch.schema.equals(expected, check_metadata=True):
        return batch
    columns = [_as_type(column, field.type) for column, field in zip(batch.columns, expected, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=expected)


def _as_type(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if column.type.equals(wanted):
        return column
    try:
        return pc.cast(column, wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise QueryRefused(
            ErrorCode.QUERY_ERROR, "SQL error: a value is out of range", detail=str(error)
        ) from None
