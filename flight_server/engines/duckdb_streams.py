"""Results that DuckDB computes while they are pulled.

DuckDB takes no second statement on a connection while a result is open. So the
rows of a session's own connection are pulled under the session's lock, and
whoever needs the connection for another statement first gathers what is left.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

import duckdb
import pyarrow as pa

from flight_server.engines.batches import cut
from flight_server.errors import ErrorCode, QueryRefused

MOST_GATHERED_BYTES = 256 << 20
ERRORS = (duckdb.Error, OSError, pa.ArrowException, RuntimeError)


class Streaming:
    """A query whose rows DuckDB computes while they are pulled."""

    def __init__(
        self,
        reader: pa.RecordBatchReader,
        schema: pa.Schema,
        give_back: Callable[[bool], None],
        fail: Callable[[Exception], QueryRefused],
        batch_bytes: int,
    ) -> None:
        self.schema = schema
        self.rows_affected: int | None = None
        self._reader: pa.RecordBatchReader | None = reader
        self._give_back = give_back
        self._whole = False
        self._lock = threading.Lock()
        self._fail = fail
        self._batch_bytes = batch_bytes

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result as it is computed.

        Raises:
            QueryRefused: The query failed, or was closed before its end.
        """
        while (batch := self._next()) is not None:
            if batch.num_rows:
                yield from cut(_with_schema(batch, self.schema), self._batch_bytes)

    def close(self) -> None:
        """Stop the query, if it still runs, and give its connection back; safe from any thread."""
        with self._lock:
            reader, self._reader = self._reader, None
            if reader is None:
                return
            with suppress(*ERRORS):
                reader.close()
            del reader
        self._give_back(self._whole)

    def _next(self) -> pa.RecordBatch | None:
        """Return the next batch, or None at the end."""
        with self._lock:
            if self._reader is None:
                if not self._whole:
                    raise _closed()
                return None
            try:
                return self._reader.read_next_batch()
            except StopIteration:
                self._whole = True
                return None
            except ERRORS as error:
                raise self._fail(error) from None


class PinnedStream:
    """The open result of a session's connection, in a transaction or over temporary tables.

    Args:
        lock: The session's lock.
        let_go: Ends the interruption of the connection on this query's behalf.
        fail: Makes the refusal of an engine's error.
    """

    def __init__(
        self,
        lock: threading.RLock,
        reader: pa.RecordBatchReader,
        schema: pa.Schema,
        let_go: Callable[[], None],
        fail: Callable[[Exception], QueryRefused],
        batch_bytes: int,
    ) -> None:
        self.schema = schema
        self.rows_affected: int | None = None
        self._lock = lock
        self._reader: pa.RecordBatchReader | None = reader
        self._let_go = let_go
        self._fail = fail
        self._batch_bytes = batch_bytes
        self._gathered: deque[pa.RecordBatch] = deque()
        self._failure: QueryRefused | None = None

    @property
    def open(self) -> bool:
        """Whether the connection is still in use."""
        return self._reader is not None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result as it is computed."""
        while (batch := self._next()) is not None:
            if batch.num_rows:
                yield from cut(_with_schema(batch, self.schema), self._batch_bytes)

    def gather(self) -> None:
        """Pull what is left into memory, so that the connection is free; the caller has the lock.

        A result that is too large for that fails when its reader asks for more.
        """
        size = 0
        while self._reader is not None and (batch := self._pull()) is not None:
            self._gathered.append(batch)
            size += batch.nbytes
            if size > MOST_GATHERED_BYTES:
                self._gathered.clear()
                words = "a result was left unread when the next statement of the transaction came"
                self._failure = QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {words}; read it first")
                self._shut()

    def close(self) -> None:
        """Stop the query if it still runs; whoever reads it learns that it is not whole."""
        with self._lock:
            if self._gathered or self._reader is not None:
                self._failure = self._failure or _closed()
            self._gathered.clear()
            self._shut()

    def _next(self) -> pa.RecordBatch | None:
        with self._lock:
            if self._gathered:
                return self._gathered.popleft()
            if self._reader is not None:
                batch = self._pull()
                if batch is not None:
                    return batch
            if self._failure is not None:
                raise self._failure
            return None

    def _pull(self) -> pa.RecordBatch | None:
        """Return the next batch; None at the end or after a failure, which is kept for the reader."""
        assert self._reader is not None  # noqa: S101  # the callers have looked
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            self._shut()
        except ERRORS as error:
            self._failure = self._fail(error)
            self._shut()
        return None

    def _shut(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            self._let_go()
            with suppress(*ERRORS):
                reader.close()


def _closed() -> QueryRefused:
    return QueryRefused(ErrorCode.QUERY_CANCELLED, detail="closed before the result was read to its end")


def _with_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return *batch* under *schema*, which differs in names and metadata at most."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    return pa.RecordBatch.from_arrays(batch.columns, schema=schema)
