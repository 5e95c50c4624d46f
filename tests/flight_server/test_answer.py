"""Answers: rows, then a receipt; however a reader leaves, the query is settled once and given back."""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from flight_server.answer import Answer, public_schema
from flight_server.engines.wire_types import TYPE_NAME
from flight_server.errors import ErrorCode, QueryRefused
from tests.fixtures.warehouse import ANALYST, FULL, Warehouse, sight
from tests.fixtures.warehouse_desk import Desk

MANY = "SELECT i, 'row ' || i AS s FROM range(3000000) t(i)"


def start(desk: Desk, sql: str, role: str = "admin") -> Answer:
    return desk.pipeline.run(desk.query(sql, role=role), desk.warehouse.engine.open_session())


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_the_receipt_comes_with_the_last_row(desk: Desk) -> None:
    answer = start(desk, MANY)
    batches = answer.batches()
    first = next(batches)
    early = answer.receipt
    rows = first.num_rows + sum(batch.num_rows for batch in batches)

    assert early is None
    assert answer.receipt is not None
    assert answer.receipt.rows == rows == 3_000_000
    assert answer.receipt.bytes > 3_000_000


def test_a_long_answer_is_announced_before_it_leaves_and_completed_once(desk: Desk) -> None:
    answer = start(desk, MANY)
    batches = answer.batches()
    next(batches)
    announced = [record["phase"] for record in desk.records()]
    for _ in batches:
        pass

    assert announced == ["streaming"]
    assert [record["phase"] for record in desk.records()] == ["streaming", "complete"]
    assert desk.outcomes() == ["OK"]


def test_a_short_answer_is_recorded_before_any_of_it_leaves(desk: Desk) -> None:
    answer = start(desk, "FROM customers")
    next(answer.batches())

    assert desk.outcomes() == ["OK"]


def read_none(answer: Answer) -> None:
    answer.close()


def never_begun(answer: Answer) -> None:
    """A generator that was never started runs no `finally`."""
    batches = answer.batches()
    batches.close()
    answer.close()


def leave_in_the_middle(answer: Answer) -> None:
    next(answer.batches())
    answer.close()


def close_the_iterator(answer: Answer) -> None:
    batches = answer.batches()
    next(batches)
    batches.close()


def forget_the_iterator(answer: Answer) -> None:
    batches: Iterator[pa.RecordBatch] | None = answer.batches()
    assert batches is not None
    next(batches)
    del batches
    gc.collect()


def close_twice(answer: Answer) -> None:
    next(answer.batches())
    answer.close()
    answer.close()


@pytest.mark.parametrize(
    "leave",
    [read_none, never_begun, leave_in_the_middle, close_the_iterator, forget_the_iterator, close_twice],
)
def test_however_a_reader_leaves_the_query_is_settled_once(
    desk: Desk, leave: Callable[[Answer], None]
) -> None:
    answer = start(desk, MANY)
    leave(answer)

    assert desk.is_idle()
    assert desk.outcomes() == ["QUERY_CANCELLED"]
    assert desk.warehouse.rows("SELECT count(*) FROM customers") == [(40,)]


def test_leaving_after_the_end_changes_nothing(desk: Desk) -> None:
    answer = start(desk, "FROM customers")
    list(answer.batches())
    answer.close()

    assert desk.outcomes() == ["OK"]


def test_an_error_in_the_middle_is_settled_as_such(desk: Desk) -> None:
    answer = start(
        desk, "SELECT CASE WHEN i = 2500000 THEN error('late') ELSE i END AS v FROM range(3000000) t(i)"
    )
    with pytest.raises(QueryRefused) as refused:
        list(answer.batches())
    answer.close()

    assert refused.value.code is ErrorCode.QUERY_ERROR
    assert refused.value.query_id == answer.query_id
    assert desk.outcomes() == ["QUERY_ERROR"]
    assert desk.is_idle()


def test_a_role_reads_no_more_rows_than_it_may(desk: Desk) -> None:
    answer = start(desk, "SELECT a.code FROM customers a, customers b, customers c", "analyst")
    with pytest.raises(QueryRefused) as refused:
        list(answer.batches())

    assert refused.value.code is ErrorCode.RESULT_TOO_LARGE
    assert "1000 rows" in refused.value.message
    assert desk.is_idle()


def test_a_drain_stops_answers_that_nobody_reads(desk: Desk) -> None:
    answer = start(desk, MANY)
    batches = answer.batches()
    next(batches)
    desk.watcher.stop_all(ErrorCode.SERVICE_UNAVAILABLE)

    with pytest.raises(QueryRefused) as refused:
        list(batches)
    assert refused.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert within(1, desk.is_idle)


def test_masks_on_the_result_keep_rows_and_order(desk: Desk) -> None:
    plain = desk.ask("SELECT customer_id FROM customers ORDER BY customer_id", role="analyst")
    masked = desk.ask("SELECT customer_id, ssn FROM customers ORDER BY customer_id", role="analyst")

    assert masked.column("customer_id").to_pylist() == plain.column("customer_id").to_pylist()
    assert set(masked.column("ssn").to_pylist()) == {"***", None}


def test_the_schema_promised_is_the_schema_of_every_batch(desk: Desk) -> None:
    answer = start(desk, "SELECT ssn, ssn AS again, code FROM customers", "analyst")
    schemas = [batch.schema for batch in answer.batches()]

    assert answer.schema.names == ["ssn", "again", "code"]
    assert all(schema.equals(answer.schema, check_metadata=True) for schema in schemas)


def test_a_result_that_is_not_what_was_foreseen_does_not_leave(warehouse: Warehouse) -> None:
    plan = warehouse.plan("SELECT ssn, code FROM customers", ANALYST)
    word = warehouse.engine.nonce
    as_planned = pa.schema([(f"__late_{word}_0", pa.string()), ("code", pa.string())])
    too_wide = as_planned.append(pa.field("more", pa.string()))
    leaking = pa.schema([(f"__late_{word}_0", pa.string()), (f"__raw_{word}_ssn", pa.string())])

    assert public_schema(as_planned, plan).names == ["ssn", "code"]
    for schema in (too_wide, leaking):
        with pytest.raises(QueryRefused) as refused:
            public_schema(schema, plan)
        assert refused.value.code is ErrorCode.POLICY_DENIED
        assert word not in refused.value.message


def test_a_masked_column_forgets_the_type_it_had(warehouse: Warehouse) -> None:
    plan = warehouse.plan("SELECT ssn FROM customers", (sight("customers", ssn=FULL),))
    field = pa.field(f"__late_{warehouse.engine.nonce}_0", pa.string(), metadata={TYPE_NAME: b"UUID"})
    shown = public_schema(pa.schema([field]), plan)

    assert shown.field(0).metadata == {b"hatidata.masked": b"full"}


def test_the_sealed_catalog_is_public_in_names(warehouse: Warehouse) -> None:
    plan = dataclasses.replace(warehouse.plan("SELECT 1"), masked=())
    name = f"struct_pack({warehouse.engine.catalog}.main.customers.code)"

    assert public_schema(pa.schema([(name, pa.string())]), plan).names == [
        "struct_pack(hatidata.main.customers.code)"
    ]
