"""An answer is whole when it has its receipt."""

from __future__ import annotations

from collections.abc import Generator

import pyarrow as pa
import pytest

from hatidata_agent import Answer, Receipt

SCHEMA = pa.schema([("a", pa.int64())])


def _two_batches(closed: list[bool]) -> Generator[pa.RecordBatch, None, Receipt]:
    try:
        yield pa.record_batch({"a": [1, 2]})
        yield pa.record_batch({"a": [3]})
    finally:
        closed.append(True)
    return Receipt(query_id="qry_1", rows=3)


def test_the_receipt_is_there_when_the_last_batch_was_read() -> None:
    answer = Answer(SCHEMA, _two_batches([]))
    before = answer.receipt
    table = answer.read_all()

    assert (before, table.num_rows, answer.receipt) == (None, 3, Receipt(query_id="qry_1", rows=3))


def test_reading_through_a_reader_keeps_the_batches_apart() -> None:
    reader = Answer(SCHEMA, _two_batches([])).to_reader()

    assert [batch.num_rows for batch in reader] == [2, 1]


def test_leaving_early_ends_the_stream() -> None:
    closed: list[bool] = []
    with Answer(SCHEMA, _two_batches(closed)) as answer:
        next(iter(answer))

    assert (closed, answer.receipt) == ([True], None)


def test_an_answer_without_batches_keeps_its_schema() -> None:
    def nothing() -> Generator[pa.RecordBatch, None, Receipt]:
        yield from ()
        return Receipt()

    assert Answer(SCHEMA, nothing()).read_all().schema == SCHEMA


def test_a_receipt_ignores_what_a_newer_service_adds() -> None:
    receipt = Receipt.from_json('{"query_id": "qry_1", "rows": 2, "masked_columns": ["a"], "mood": "good"}')

    assert receipt == Receipt(query_id="qry_1", rows=2, masked_columns=("a",))


@pytest.mark.parametrize("missing", ["null", "[]"])
def test_a_receipt_reads_lists_that_are_empty(missing: str) -> None:
    assert Receipt.from_json(f'{{"row_filters": {missing}}}').row_filters == ()
