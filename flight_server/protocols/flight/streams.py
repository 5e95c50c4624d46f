"""Rows on their way to a client, with the receipt as their end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from flight_server.answer import SHORT_ROWS, Answer
from flight_server.batch_size import size_of
from flight_server.errors import QueryRefused
from flight_server.protocols.flight.errors import Trail, guarded
from flight_server.protocols.flight.messages import receipt_bytes
from flight_server.protocols.flight.result_file import LEAST_BYTES, ResultFile


def end_of(schema: pa.Schema, metadata: bytes) -> tuple[pa.RecordBatch, bytes]:
    """Return the last message of a stream: no rows, and the receipt."""
    empty = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
    return empty, metadata


def answer_stream(answer: Answer, trail: Trail, file: ResultFile | None = None) -> fl.FlightDataStream:
    """Return the stream of a query's rows and, last, its receipt; *file* may take a large answer."""
    messages = _messages(answer, answer.batches()) if file is None else _messages_or_file(answer, file)
    return fl.GeneratorStream(answer.schema, guarded(messages, trail))


def _messages_or_file(answer: Answer, file: ResultFile) -> Iterator[Any]:
    """Yield a small answer; write a large one to *file*, if it is here, and yield the receipt."""
    batches = answer.batches()
    begun, size = [], 0
    for batch in batches:
        begun.append(batch)
        size += size_of(batch)
        if size > LEAST_BYTES:
            break
    if answer.receipt is not None:  # that was all; the messages are those of an answer without a file
        last = [batch for batch in begun[-1:] if batch.num_rows < SHORT_ROWS]
        yield from begun[: len(begun) - len(last)]
        yield from _messages(answer, last)
        return
    descriptor = file.open()
    if descriptor is None:
        yield from _messages(answer, chain(begun, batches))
        return
    try:
        length = file.write(descriptor, answer.schema, chain(begun, batches))
    except QueryRefused as refusal:
        batches.throw(refusal)  # so that the record says why it ended
        raise
    if answer.receipt is not None:
        yield end_of(answer.schema, receipt_bytes(answer.receipt, length))


def _messages(answer: Answer, batches: Iterable[pa.RecordBatch]) -> Iterator[Any]:
    """Yield the rows; the receipt goes with the last of them if it is known by then, else after them."""
    sent = False
    for batch in batches:
        if answer.receipt is not None and batch.num_rows and batch.num_columns:
            yield batch, receipt_bytes(answer.receipt)
            sent = True
        else:
            yield batch
    if answer.receipt is not None and not sent:
        yield end_of(answer.schema, receipt_bytes(answer.receipt))


def batch_stream(
    schema: pa.Schema, batches: Iterable[Any], trail: Trail, metadata: bytes = b""
) -> fl.FlightDataStream:
    """Return the stream of *batches*, and last *metadata* if there is any."""
    return fl.GeneratorStream(schema, guarded(_with_end(schema, batches, metadata), trail))


def _with_end(schema: pa.Schema, batches: Iterable[Any], metadata: bytes) -> Iterator[Any]:
    yield from batches
    if metadata:
        yield end_of(schema, metadata)


def table_stream(table: pa.Table, trail: Trail) -> fl.FlightDataStream:
    """Return the stream of a metadata table, as one batch: some clients read no more."""
    batches = table.combine_chunks().to_batches() or [end_of(table.schema, b"")[0]]
    return batch_stream(table.schema, batches, trail)
