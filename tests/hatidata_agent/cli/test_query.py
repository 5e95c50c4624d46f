"""`hati query` and `hati load` against a whole service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.service import Service, hati, plain_environment


def test_an_answer_is_printed_and_its_receipt_told_apart(service: Service) -> None:
    done = hati("query", "SELECT 42 AS answer", home=service.home)

    assert done.returncode == 0
    assert "42" in done.stdout
    assert "1 row," in done.stderr
    assert "qry_" in done.stderr


def test_quiet_prints_the_answer_alone(service: Service) -> None:
    done = hati("query", "-q", "--format", "csv", "SELECT 1 AS a", home=service.home)

    assert (done.stdout, done.stderr) == ('"a"\n1\n', "")


def test_sql_comes_from_a_file_or_standard_input(service: Service, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT 1 AS a")
    from_file = hati("query", "-q", "--format", "json", "-f", str(tmp_path / "q.sql"), home=service.home)
    from_pipe = hati(
        "query", "-q", "--format", "json", "-f", "-", home=service.home, input_text="SELECT 1 AS a"
    )

    assert json.loads(from_file.stdout) == json.loads(from_pipe.stdout) == [{"a": 1}]


@pytest.mark.parametrize("input_text", ["SELECT 41 + 1 AS n", "-- a comment\nSELECT 41 + 1 AS n;\n"])
def test_sql_at_the_end_of_a_pipe_needs_no_option(service: Service, input_text: str) -> None:
    done = hati("query", "--format", "csv", "-q", home=service.home, input_text=input_text)

    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ['"n"', "42"], "")


def test_json_has_an_option_of_its_own(service: Service) -> None:
    done = hati("query", "-q", "--json", "SELECT 1 AS a", home=service.home)

    assert json.loads(done.stdout) == [{"a": 1}]


def test_parameters_are_json_or_text(service: Service) -> None:
    sql = "SELECT typeof($1) AS a, $2 AS b, $3 AS c"
    done = hati(
        "query", "-q", "--format", "json", sql, "--param", "5", "--param", "cust-1", "--param", "null",
        home=service.home,
    )  # fmt: skip

    row = json.loads(done.stdout)[0]
    assert (row["b"], row["c"]) == ("cust-1", None)
    assert "INT" in row["a"]


@pytest.mark.parametrize("suffix", ["csv", "json", "arrow", "parquet"])
def test_a_file_has_the_form_of_its_suffix(service: Service, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"orders.{suffix}"
    done = hati("query", "SELECT * FROM orders", "-o", str(path), home=service.home)

    assert (done.returncode, done.stdout) == (0, "")
    assert _rows_in(path) == 120_000


def _rows_in(path: Path) -> int:
    match path.suffix:
        case ".parquet":
            return int(pq.read_metadata(path).num_rows)
        case ".arrow":
            return int(pa.ipc.open_stream(path.read_bytes()).read_all().num_rows)
        case ".json":
            return len(json.loads(path.read_text()))
        case _:
            return path.read_text().count("\n") - 1


def test_a_failed_query_leaves_the_old_file_alone(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text("old")
    done = hati("query", "SELECT error('late') FROM orders", "-o", str(path), home=service.home)

    assert done.returncode == 1
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


@pytest.mark.parametrize(
    ("sql", "code", "said"),
    [
        ("SELEC 1", 1, "QUERY_PARSE_ERROR"),
        ("SELECT nope FROM orders", 1, "QUERY_ERROR"),
        ("SELECT 1; SELECT 2", 1, "INVALID_REQUEST"),
    ],
)
def test_a_refused_query_is_one_message_with_its_code(
    service: Service, sql: str, code: int, said: str
) -> None:
    done = hati("query", sql, home=service.home)

    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_query_at_once(service: Service) -> None:
    endless = "SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3"
    with subprocess.Popen(
        [sys.executable, "-m", "hatidata_agent", "--home", str(service.home), "query", endless],
        stderr=subprocess.PIPE,
        text=True,
        env=plain_environment(),
    ) as asking:
        time.sleep(1.5)
        asking.send_signal(signal.SIGINT)
        _, said = asking.communicate(timeout=5)

    assert (asking.returncode, said.strip()) == (130, "hati: interrupted")


def test_a_reader_that_leaves_early_hears_no_complaint(service: Service) -> None:
    command = f"{sys.executable} -m hatidata_agent --home {service.home} query -q --format csv"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} 'SELECT * FROM orders' | head -1"],
        capture_output=True,
        text=True,
        check=False,
        env=plain_environment(),
    )

    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (1, "", 1)


def test_a_full_disk_is_told_in_one_line(service: Service) -> None:
    done = hati("query", "SELECT * FROM orders", "-o", "/dev/full", home=service.home)

    assert (done.returncode, done.stderr) == (1, "hati: No space left on device\n")
    assert Path("/dev/full").is_char_device()


def test_a_folder_that_is_missing_is_named(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "orders.csv"
    done = hati("query", "SELECT 1", "-o", str(path), home=service.home)

    assert (done.returncode, done.stderr) == (1, f"hati: {path}: there is no folder {path.parent}\n")


def test_files_become_tables(service: Service, tmp_path: Path) -> None:
    (tmp_path / "cities.csv").write_text("name,people\nOslo,700000\nRome,2800000\n")
    pq.write_table(pa.table({"name": ["Lima"], "people": [10_000_000]}), tmp_path / "more.parquet")
    files = [str(tmp_path / "cities.csv"), str(tmp_path / "more.parquet")]
    done = hati("load", *files, "--table", "cities", home=service.home)
    answer = hati(
        "query", "-q", "--format", "json", "SELECT sum(people)::BIGINT AS n FROM cities", home=service.home
    )

    assert done.stdout.count("rows into cities") == 2
    assert json.loads(answer.stdout) == [{"n": 13_500_000}]


def test_a_broken_file_is_refused_before_anything_is_loaded(service: Service, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("a\n1\n")
    (tmp_path / "bad.csv").write_text("a,b\n1\n")
    done = hati("load", str(tmp_path / "good.csv"), str(tmp_path / "bad.csv"), home=service.home)
    there = hati("query", "SELECT * FROM good", home=service.home)

    assert (done.returncode, "bad.csv" in done.stderr, done.stdout) == (1, True, "")
    assert there.returncode == 1
