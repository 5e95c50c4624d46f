"""Batches are about a megabyte, and never much more unless one value is."""

from __future__ import annotations

from contextlib import closing

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_server.engines.batches import cut
from tests.fixtures.warehouse import Warehouse

MEGABYTE = 1_000_000

RESULTS = [
    "SELECT i FROM range(1000000) t(i)",
    "SELECT i::TINYINT AS t FROM range(100) t(i), range(20000)",
    "SELECT i, i * 2.5 AS d, 'row ' || i AS s, i % 2 = 0 AS b FROM range(300000) t(i)",
    "SELECT repeat('x', 1000) AS s FROM range(20000)",
    "SELECT repeat('x', (CASE WHEN i < 50 THEN 100000 ELSE 3 END)::INTEGER) AS s FROM range(100000) t(i)",
    "SELECT range(100) AS l FROM range(20000)",
    "SELECT MAP {'k': repeat('x', 200)} AS m FROM range(30000)",
    "SELECT (i % 3)::VARCHAR::ENUM('0', '1', '2') AS e FROM range(500000) t(i)",
]


@pytest.mark.parametrize("sql", RESULTS)
def test_batches_are_about_a_megabyte(warehouse: Warehouse, sql: str) -> None:
    _, execution = warehouse.start(sql)
    with closing(execution):
        sizes = [batch.nbytes for batch in execution.batches()]

    assert max(sizes) <= 2.5 * MEGABYTE
    assert sum(sizes) / len(sizes) > 0.1 * MEGABYTE


def test_one_large_value_travels_alone(warehouse: Warehouse) -> None:
    _, execution = warehouse.start(
        "SELECT repeat('x', CASE WHEN i = 3 THEN 4000000 ELSE 10 END) AS s FROM range(5) t(i)"
    )
    with closing(execution):
        batches = list(execution.batches())

    assert [batch.num_rows for batch in batches if batch.nbytes > 2.5 * MEGABYTE] == [1]
    assert sum(batch.num_rows for batch in batches) == 5


@given(st.lists(st.integers(0, 60), max_size=60), st.integers(1, 200))
def test_cutting_keeps_every_row_in_order_and_every_slice_small(lengths: list[int], batch_bytes: int) -> None:
    batch = pa.record_batch({"s": ["x" * length for length in lengths], "i": range(len(lengths))})
    pieces = list(cut(batch, batch_bytes))

    assert pa.Table.from_batches(pieces, batch.schema).equals(pa.Table.from_batches([batch]))
    assert all(
        piece.num_rows == 1 or piece.nbytes <= batch_bytes * 1.25 for piece in pieces if piece.num_rows
    )


def test_an_empty_result_has_a_schema_and_no_batches(warehouse: Warehouse) -> None:
    _, execution = warehouse.start("SELECT 1 AS a, 'x' AS b WHERE false")
    with closing(execution):
        assert execution.schema.names == ["a", "b"]
        assert list(execution.batches()) == []
