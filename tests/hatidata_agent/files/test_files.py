"""Local files become batches of one schema, or are refused by name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hatidata_agent.files import FileError, open_source, table_name

ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
TABLE = pa.Table.from_pylist(ROWS)


def _read(path: Path) -> pa.Table:
    source = open_source(path)
    return pa.Table.from_batches(source.batches(), source.schema)


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "arrows", "feather"])
def test_columnar_files_keep_their_schema(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        pq.write_table(TABLE, path)
    else:
        make = pa.ipc.new_stream if suffix == "arrows" else pa.ipc.new_file
        with make(path, TABLE.schema) as writer:
            writer.write_table(TABLE)

    assert _read(path).equals(TABLE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "a,b\n1,x\n2,\n"),
        ("t.tsv", "a\tb\n1\tx\n2\t\n"),
        ("t.json", json.dumps(ROWS)),
        ("t.json", json.dumps(ROWS, indent=4)),
        ("t.ndjson", "\n".join(map(json.dumps, ROWS))),
    ],
)
def test_text_files_find_their_types(tmp_path: Path, name: str, text: str) -> None:
    assert _read(_written(tmp_path / name, text)).to_pylist() == ROWS


@pytest.mark.parametrize("name", ["t.csv.gz", "t.ndjson.gz"])
def test_compressed_text_is_unpacked(tmp_path: Path, name: str) -> None:
    plain = "a,b\n1,x\n2,\n" if "csv" in name else "\n".join(map(json.dumps, ROWS))
    path = tmp_path / name
    path.write_bytes(gzip.compress(plain.encode()))

    assert _read(path).to_pylist() == ROWS


@pytest.mark.parametrize(
    ("late", "kind"), [("2.5", pa.float64()), ("soon", pa.string()), ("2025-01-01", pa.string())]
)
def test_a_late_csv_value_widens_its_column(tmp_path: Path, late: str, kind: pa.DataType) -> None:
    rows = "1,same\n" * 2_000_000
    table = _read(_written(tmp_path / "t.csv", f"n,s\n{rows}{late},same\n"))

    assert (table.schema.field("n").type, table.num_rows) == (kind, 2_000_001)


def test_a_csv_column_without_values_is_text(tmp_path: Path) -> None:
    assert _read(_written(tmp_path / "t.csv", "a,b\n1,\n2,\n")).schema.field("b").type == pa.string()


def test_a_csv_column_that_starts_empty_gets_its_later_type(tmp_path: Path) -> None:
    rows = "x,\n" * 3_000_000
    table = _read(_written(tmp_path / "t.csv", f"a,b\n{rows}y,7\n"))

    assert table.schema.field("b").type == pa.int64()


def test_line_breaks_inside_quotes_stay(tmp_path: Path) -> None:
    table = _read(_written(tmp_path / "t.csv", 'a,b\n1,"x\ny"\n'))

    assert table.to_pylist() == [{"a": 1, "b": "x\ny"}]


def test_a_field_that_comes_late_in_json_is_there_for_all_rows(tmp_path: Path) -> None:
    lines = '{"a": 1, "text": "0123456789012345678901234567890123456789"}\n' * 400_000
    table = _read(_written(tmp_path / "t.json", lines + '{"a": 1.5, "late": [1]}\n'))

    assert table.schema.field("a").type == pa.float64()
    assert table.schema.field("late").type == pa.list_(pa.int64())
    assert table.num_rows == 400_001


def test_a_long_json_array_is_read_in_pieces(tmp_path: Path) -> None:
    rows = [{"i": i, "text": "é]},{[" * 20} for i in range(40_000)]
    source = open_source(_written(tmp_path / "t.json", json.dumps(rows, ensure_ascii=False)))
    table = pa.Table.from_batches(source.batches(), source.schema)

    assert table.column("i").to_pylist() == list(range(40_000))
    assert table.column("text")[0].as_py() == "é]},{[" * 20


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.json", '[{"a": 1}, {"a":'),
        ("t.json", '{"a": 1}\n{"a": [}\n'),
        ("t.json", '{"a": 1}\n{"a": "x"}\n'),
        ("t.csv", "a,b\n1,2,3\n"),
        ("t.csv", ""),
        ("t.parquet", "not parquet"),
        ("t.arrow", "not arrow"),
        ("t.xlsx", "what"),
        ("t", "what"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    path = _written(tmp_path / name, text)
    with pytest.raises(FileError, match=name):
        _read(path)


def test_progress_ends_where_the_file_ends(tmp_path: Path) -> None:
    source = open_source(_written(tmp_path / "t.csv", "a\n" + "1\n" * 1000))
    for _ in source.batches():
        pass

    assert source.position() == source.size


@pytest.mark.parametrize(
    ("file", "name"), [("Sales 2025.csv.gz", "sales_2025"), ("2025.csv", "_2025"), ("naïve.json", "na_ve")]
)
def test_a_table_is_named_after_its_file(file: str, name: str) -> None:
    assert table_name(Path(file)) == name
