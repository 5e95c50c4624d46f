"""`hati audit` on logs that the server's own code wrote."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flight_server.stores.audit import AuditLog
from flight_server.stores.audit_entry import AuditEntry
from hatidata_agent.cli import run

ENTRY = AuditEntry(
    query_id="qry_1",
    timestamp="2026-11-20T12:00:00.000Z",
    protocol="http",
    source_ip="127.0.0.1",
    sql="SELECT 'hunter2'",
    sql_redacted="SELECT [REDACTED]\n\x1b[2J FROM t",
    decision="allow",
    outcome="OK",
    agent_id="bot",
    key_prefix="hd_live_aaaa",
)


def write(home: Path, first: int, last: int, max_file_bytes: int = 100_000) -> None:
    """Append records with the row counts *first* to *last*."""
    log = AuditLog.open(home / "audit", reserve_bytes=0, max_file_bytes=max_file_bytes)
    for number in range(first, last + 1):
        log.append(replace(ENTRY, rows=number))
    log.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path, 1, 20, max_file_bytes=3000)
    return tmp_path


def test_verify_says_that_a_log_is_whole_and_how_to_prove_it_later(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "verify", "--home", str(home)]) == 0

    noted = re.search(r"Last record: (20:[0-9a-f]{64})", capsys.readouterr().out)
    assert noted is not None
    assert run(["audit", "verify", "--home", str(home), "--expect", noted[1]]) == 0
    assert run(["audit", "verify", "--home", str(home), "--expect", "20:" + "0" * 64]) == 1
    assert run(["audit", "verify", "--home", str(home), "--expect", "21:" + "0" * 64]) == 1


def test_verify_names_the_broken_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "audit" / "audit-00000002.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"decision":"allow"', b'"decision":"deny" ', 1))

    assert run(["audit", "verify", "--home", str(home)]) == 1
    assert "audit-00000002.jsonl, line 1" in capsys.readouterr().out


def test_verify_speaks_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify", "--home", str(home), "--json"]) == 0

    result = json.loads(capsys.readouterr().out)
    assert (result["ok"], result["records"], result["broken"]) == (True, 20, None)


@pytest.mark.parametrize("expect", ["", "20", "x:y", "20:abc"])
def test_verify_refuses_a_note_that_is_none(home: Path, expect: str) -> None:
    assert run(["audit", "verify", "--home", str(home), f"--expect={expect}"]) == (2 if expect else 0)


def test_verify_without_a_home_is_a_fault(tmp_path: Path) -> None:
    assert run(["audit", "verify", "--home", str(tmp_path / "nowhere")]) == 78


def test_tail_prints_the_last_records_across_files(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "tail", "--home", str(home), "--no-follow", "--json", "-n", "7"]) == 0

    shown = [json.loads(line)["rows"] for line in capsys.readouterr().out.splitlines()]
    assert shown == list(range(14, 21))


def test_tail_shows_no_literal_and_nothing_that_a_terminal_obeys(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["audit", "tail", "--home", str(home), "--no-follow", "-n", "1"])

    (line,) = capsys.readouterr().out.splitlines()
    assert "SELECT [REDACTED] ?[2J FROM t" in line
    assert "hunter2" not in line


def test_tail_of_nothing_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "tail", "--home", str(tmp_path), "--no-follow"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("before", "lines"), [(0, 100), (20, 1)])
def test_tail_follows_into_new_files(tmp_path: Path, before: int, lines: int) -> None:
    write(tmp_path, 1, before, max_file_bytes=3000)
    tail = [sys.executable, "-m", "hatidata_agent", "audit", "tail", "--json"]
    command = [*tail, "--home", str(tmp_path), "-n", str(lines)]

    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            first = [json.loads(process.stdout.readline())["rows"]] if before else []
            write(tmp_path, before + 1, before + 10, max_file_bytes=3000)
            shown = first + [json.loads(process.stdout.readline())["rows"] for _ in range(10)]
        finally:
            process.terminate()

    assert shown == list(range(max(1, before), before + 11))
