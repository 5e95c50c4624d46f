"""How values look in JSON."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.formats.json_rows import rows_text
from http_gateway.formats.names import unique_names

NOON = dt.datetime.fromisoformat("2026-02-18T12:00:00")


def rows(*columns: pa.Array, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    names = names or [f"c{position}" for position in range(len(columns))]
    batch = pa.RecordBatch.from_arrays(list(columns), names=list(names))
    parsed: list[dict[str, Any]] = json.loads(f"[{rows_text(batch, unique_names(names))}]")
    return parsed


def values(array: pa.Array) -> list[object]:
    return [row["c0"] for row in rows(array)]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None, -(2**63)]), [1, None, -(2**63)]),
        (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
        (pa.array([1.5, 1e300, -0.0, None]), [1.5, 1e300, -0.0, None]),
        (pa.array([float("nan"), float("inf"), float("-inf")]), [None, None, None]),
        (pa.array([0.1], pa.float32()), [0.1]),
        (pa.array([True, False, None]), [True, False, None]),
        (
            pa.array([Decimal("1.50"), Decimal("-12345678901234567.89"), None]),
            ["1.50", "-12345678901234567.89", None],
        ),
        (pa.array([dt.date(2026, 2, 18), None]), ["2026-02-18", None]),
        (pa.array([dt.time(10, 30, 0, 5)]), ["10:30:00.000005"]),
        (pa.array([NOON], pa.timestamp("us")), ["2026-02-18T12:00:00.000000"]),
        (pa.array([NOON], pa.timestamp("s")), ["2026-02-18T12:00:00"]),
        (
            pa.array([NOON], pa.timestamp("us", tz="Europe/Berlin")),
            ["2026-02-18T12:00:00.000000Z"],
        ),
        (pa.array(["a", "", None, "ä€😀"]), ["a", "", None, "ä€😀"]),
        (pa.array(['say "hi"', "back\\slash", "line\nfeed", "tab\t", "\x00\x1f\x7f"]),) * 2,
        (pa.array([b"\x00\xff", None]), ["AP8=", None]),
        (pa.array(["x", None]).dictionary_encode(), ["x", None]),
        (pa.nulls(2), [None, None]),
        (pa.array([[1, None], None, []]), [[1, None], None, []]),
        (pa.array([{"a": 1.5, "b": [Decimal("0.1")]}]), [{"a": 1.5, "b": ["0.1"]}]),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), [[["k", 1]]]),
        (pa.array([[float("nan"), b"\x01"[0]]]), [[None, 1.0]]),
        (
            pa.array([pa.MonthDayNano([1, 2, 3])], pa.month_day_nano_interval()),
            [{"months": 1, "days": 2, "nanoseconds": 3}],
        ),
        (
            pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.UUID(int=1).bytes], pa.binary(16))),
            [str(uuid.UUID(int=1))],
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_values_are_lossless_where_json_allows_it(array: pa.Array, expected: object) -> None:
    wanted = expected.to_pylist() if isinstance(expected, pa.Array) else expected

    assert values(array) == wanted


def test_repeated_names_keep_every_column() -> None:
    one = pa.array([1])

    assert rows(one, one, one, names=["a", "a", "a"]) == [{"a": 1, "a_1": 1, "a_2": 1}]


def test_names_may_hold_anything() -> None:
    assert rows(pa.array([1]), names=['q"\\\n']) == [{'q"\\\n': 1}]


def test_rows_without_columns_are_empty_objects() -> None:
    batch = pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))

    assert json.loads(f"[{rows_text(batch, ())}]") == [{}, {}]


@given(st.lists(st.none() | st.text(), min_size=1))
def test_any_text_comes_back(texts: list[str | None]) -> None:
    encodable = [None if text is None else text.encode(errors="ignore").decode() for text in texts]

    assert values(pa.array(encodable, pa.string())) == encodable


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_any_float_comes_back(floats: list[float | None]) -> None:
    assert values(pa.array(floats, pa.float64())) == floats
