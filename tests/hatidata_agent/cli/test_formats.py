"""The forms in which an answer leaves the command line."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hatidata_agent.cli.formats import WRITERS

BATCH = pa.record_batch(
    {
        "n": pa.array([1, None]),
        "text": ["a,b", "[bold]é"],
        "price": pa.array([Decimal("1.10"), None], pa.decimal128(5, 2)),
        "at": pa.array([1735787045, None], pa.timestamp("s")),
        "list": pa.array([[1, 2], None], pa.list_(pa.int64())),
        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "raw": pa.array([b"\x00\xff", None], pa.binary()),
        "gap": pa.array([dt.timedelta(seconds=1), None]),
    }
)


def _written(name: str, *batches: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    WRITERS[name](BATCH.schema, batches, sink)
    return sink.getvalue()


def test_json_is_an_array_of_rows() -> None:
    rows = json.loads(_written("json", BATCH, BATCH))

    assert len(rows) == 4
    assert rows[0] == {
        "n": 1,
        "text": "a,b",
        "price": "1.10",
        "at": "2025-01-02T03:04:05",
        "list": [1, 2],
        "map": [["k", 1]],
        "raw": "AP8=",
        "gap": "0:00:01",
    }
    assert set(rows[1].values()) == {None, "[bold]é"}


def test_json_of_no_rows_is_an_empty_array() -> None:
    assert json.loads(_written("json")) == []


def test_csv_holds_every_type() -> None:
    header, row, nulls, *_ = _written("csv", BATCH).decode().splitlines()

    assert header == '"n","text","price","at","list","map","raw","gap"'
    assert row == '1,"a,b",1.10,2025-01-02 03:04:05,"[1, 2]","[[""k"", 1]]","00ff","0:00:01"'
    assert nulls == ',"[bold]é",,,,,,'


def test_csv_of_no_rows_is_its_header() -> None:
    assert _written("csv").decode().count("\n") == 1


def test_a_table_shows_values_as_they_are() -> None:
    text = _written("table", BATCH).decode()

    assert "[bold]é" in text
    assert "NULL" in text
    assert "\x1b" not in text


def test_a_short_float_shows_the_digits_that_it_has() -> None:
    ranks = pa.record_batch({"near": pa.array([0.4315956, None], pa.float32())})
    sink = io.BytesIO()
    WRITERS["table"](ranks.schema, [ranks], sink)

    assert sink.getvalue().decode().split()[2:] == ["0.4315956", "NULL"]


def test_a_long_table_says_how_much_is_left_out() -> None:
    long = pa.record_batch({"n": list(range(1000))})
    sink = io.BytesIO()
    WRITERS["table"](long.schema, [long], sink)

    assert "900 more rows" in sink.getvalue().decode()


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_binary_forms_keep_every_value(name: str) -> None:
    data = pa.BufferReader(_written(name, BATCH))
    table = pa.ipc.open_stream(data).read_all() if name == "arrow" else pq.read_table(data)

    assert table.to_pylist() == pa.Table.from_batches([BATCH]).to_pylist()


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_every_form_can_hold_an_answer_without_columns(name: str) -> None:
    sink = io.BytesIO()
    WRITERS[name](pa.schema([]), [], sink)

    assert not sink.closed
