"""The audit log with real files, real processes that are killed, and a disk that fills up."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores.audit import AuditLog
from flight_server.stores.audit_entry import AuditEntry
from flight_server.stores.audit_files import AuditLogInUse, Place, log_files
from flight_server.stores.audit_verify import verify

ENTRY = AuditEntry(
    query_id="qry_0123456789abcdef01234567",
    timestamp="2026-11-20T12:00:00.000Z",
    protocol="flight",
    source_ip="127.0.0.1",
    sql="SELECT 'ü\u2028\ud800'",
    sql_redacted="SELECT [REDACTED]",
    decision="allow",
    outcome="OK",
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def log(directory: Path) -> Iterator[AuditLog]:
    opened = AuditLog.open(directory, reserve_bytes=4096)
    yield opened
    opened.close()


def write(directory: Path, count: int, **settings: int) -> list[Path]:
    """Write a log of *count* records and return its files."""
    log = AuditLog.open(directory, reserve_bytes=4096, **settings)  # type: ignore[arg-type]  # ints only
    for number in range(count):
        log.append(replace(ENTRY, rows=number))
    log.close()
    return log_files(directory)


def records(directory: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in log_files(directory) for line in path.read_bytes().splitlines()]


def test_chains_each_record_to_the_one_before(directory: Path) -> None:
    write(directory, 3)

    first, second, third = records(directory)

    assert [first["seq"], second["seq"], third["seq"]] == [1, 2, 3]
    assert first["prev_hash"] == "0" * 64
    assert (second["prev_hash"], third["prev_hash"]) == (first["entry_hash"], second["entry_hash"])
    assert verify(directory).ok


def test_a_log_that_was_never_written_verifies_as_empty(directory: Path) -> None:
    result = verify(directory)

    assert (result.ok, result.records, result.files) == (True, 0, 0)


def test_rotation_keeps_the_chain(directory: Path) -> None:
    files = write(directory, 20, max_file_bytes=3000)

    assert len(files) > 3
    assert all(path.stat().st_size <= 3000 for path in files)
    assert verify(directory).records == 20


def test_goes_on_where_the_last_process_ended(directory: Path) -> None:
    write(directory, 3)
    write(directory, 2)

    assert verify(directory).records == 5


def test_goes_on_after_a_rotation_that_wrote_nothing_yet(directory: Path) -> None:
    write(directory, 3)
    (directory / "audit-00000002.jsonl").touch()
    write(directory, 2)

    assert verify(directory).records == 5


def test_many_threads_share_one_chain(log: AuditLog, directory: Path) -> None:
    def append_many() -> None:
        for _ in range(200):
            log.append(ENTRY)

    threads = [threading.Thread(target=append_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert log.head.seq == 1600
    assert verify(directory).records == 1600


def edit(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def forge(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[4].replace(b'"rows":4', b'"rows":5'), *lines[5:]]


@pytest.mark.parametrize(
    ("change", "line", "why"),
    [
        (forge, 5, "was changed"),
        (lambda lines: lines[:4] + lines[5:], 5, "missing, moved"),
        (lambda lines: lines[1:], 1, "missing, moved"),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], 5, "missing, moved"),
        (lambda lines: [*lines[:5], lines[4], *lines[5:]], 6, "missing, moved"),
        (lambda lines: lines[:-1], 0, "missing at the end"),
        (lambda lines: lines[:-3], 0, "missing at the end"),
        (lambda lines: lines[:0], 0, "missing at the end"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], 10, "cut off"),
        (lambda lines: [*lines[:-1], lines[-1][:50]], 10, "cut off"),
        (lambda lines: [*lines, b"{}\n"], 11, "missing, moved"),
        (lambda lines: [*lines[:2], b"\n", *lines[2:]], 3, "missing, moved"),
        (lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]], 1, "missing, moved"),
    ],
)
def test_finds_every_tampering(
    directory: Path, change: Callable[[list[bytes]], list[bytes]], line: int, why: str
) -> None:
    (path,) = write(directory, 10)
    edit(path, change)

    broken = verify(directory).broken

    assert broken is not None
    assert (broken.file, broken.line) == (path.name, line)
    assert why in broken.why


def test_finds_a_missing_file(directory: Path) -> None:
    files = write(directory, 20, max_file_bytes=3000)
    files[1].unlink()

    broken = verify(directory).broken

    assert broken is not None
    assert broken.why == "file number 2 is missing"


def test_finds_that_all_files_are_gone(directory: Path) -> None:
    for path in write(directory, 3):
        path.unlink()

    assert not verify(directory).ok


def test_finds_that_the_head_is_gone(directory: Path) -> None:
    write(directory, 3)
    (directory / "head.json").unlink()

    assert not verify(directory).ok


def test_a_noted_record_reveals_a_log_that_was_written_anew(directory: Path) -> None:
    write(directory, 5)
    noted = Place(5, verify(directory).last_hash)
    shutil.rmtree(directory)
    log = AuditLog.open(directory)
    for number in range(7):
        log.append(replace(ENTRY, sql="SELECT 2", rows=number))
    log.close()

    assert verify(directory).ok
    assert not verify(directory, expected=noted).ok
    assert verify(directory, expected=Place(7, verify(directory).last_hash)).ok


def test_missing_records_stay_visible_after_a_restart(directory: Path) -> None:
    (path,) = write(directory, 10)
    edit(path, lambda lines: lines[:-2])
    write(directory, 3)

    broken = verify(directory).broken

    assert broken is not None
    assert "records 9 to 10 were missing" in broken.why


@pytest.mark.parametrize("torn", [b'{"seq":4,"prev_ha', b"\0" * 500, b"\0" * 100 + b"\n", b"half a line\n\n"])
def test_moves_a_torn_end_aside_and_says_so(directory: Path, torn: bytes) -> None:
    (path,) = write(directory, 3)
    with path.open("ab") as file:
        file.write(torn)

    write(directory, 2)
    result = verify(directory)

    assert (result.ok, result.records, len(result.notices)) == (True, 6, 1)
    recovery = records(directory)[3]
    assert (recovery["event"], recovery["bytes"]) == ("recovery", len(torn))
    assert (directory / str(recovery["quarantine"])).read_bytes() == torn


def test_two_servers_never_share_a_log(log: AuditLog, directory: Path) -> None:
    with pytest.raises(AuditLogInUse):
        AuditLog.open(directory)


def test_the_files_are_for_the_owner_alone(log: AuditLog, directory: Path) -> None:
    log.append(ENTRY)

    assert directory.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in directory.iterdir()} == {0}


def test_refuses_records_after_it_is_closed(log: AuditLog) -> None:
    log.close()

    with pytest.raises(QueryRefused, match="SERVICE_UNAVAILABLE"):
        log.append(ENTRY)
    with pytest.raises(QueryRefused, match="SERVICE_UNAVAILABLE"):
        log.ensure_writable()


@pytest.mark.parametrize("fsync", ["interval", "always", "never"])
def test_the_head_follows_by_itself(directory: Path, fsync: str) -> None:
    log = AuditLog.open(directory, fsync=fsync)  # type: ignore[arg-type]  # one of the three
    log.append(ENTRY)
    give_up = time.monotonic() + 5.0
    while json.loads((directory / "head.json").read_bytes())["seq"] != 1 and time.monotonic() < give_up:
        time.sleep(0.01)
    head = json.loads((directory / "head.json").read_bytes())
    log.close()

    assert (head["seq"], head["entry_hash"]) == (1, log.head.hash)


def test_verifies_beside_a_server_that_writes(log: AuditLog, directory: Path) -> None:
    stop = threading.Event()

    def append_until_told() -> None:
        while not stop.is_set():
            log.append(ENTRY)

    thread = threading.Thread(target=append_until_told)
    thread.start()
    results = [verify(directory) for _ in range(5)]
    stop.set()
    thread.join()

    assert [result.broken for result in results] == [None] * 5


WRITER = """
import dataclasses, pathlib, sys, threading
from flight_server.stores.audit import AuditLog
from tests.flight_server.stores.test_audit import ENTRY
log = AuditLog.open(pathlib.Path(sys.argv[1]), max_file_bytes=200_000)
lock = threading.Lock()
def work(thread):
    number = 0
    while True:
        log.append(dataclasses.replace(ENTRY, query_id=f"{thread}-{number}"))
        with lock:
            sys.stdout.write(f"{thread}-{number}\\n")
            sys.stdout.flush()
        number += 1
for thread in range(4):
    threading.Thread(target=work, args=(thread,)).start()
"""


def test_kill_9_under_load_loses_nothing_that_was_answered(directory: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    answered = [process.stdout.readline() for _ in range(2000)]
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0]
    answered += rest[: rest.rfind(b"\n") + 1].splitlines(keepends=True)

    write(directory, 1)
    recorded = {record.get("query_id") for record in records(directory)}

    assert verify(directory).ok
    assert {line.decode().strip() for line in answered} <= recorded


FILLER = """
import pathlib, resource, sys
from flight_server.errors import QueryRefused
from flight_server.stores.audit import AuditLog
from tests.flight_server.stores.test_audit import ENTRY
log = AuditLog.open(pathlib.Path(sys.argv[1]), reserve_bytes=0)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
written = 0
try:
    while True:
        log.append(ENTRY)
        written += 1
except QueryRefused as refusal:
    print(written, refusal.code, log.head.seq)
"""


def test_a_record_that_does_not_fit_leaves_nothing_behind(directory: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILLER, str(directory)], capture_output=True, text=True)
    written, code, seq = done.stdout.splitlines()[-1].split()

    assert (code, seq) == ("SERVICE_UNAVAILABLE", written)
    assert int(written) > 5
    assert verify(directory).records == int(written)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, in a mount namespace's place or in memory, if this machine allows it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True
    )
    yield disk
    if mounted.returncode == 0:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    """Write to *path* until the disk is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def append_until_refused(log: AuditLog) -> int:
    """Append records until one is refused, and return how many were not."""
    accepted = 0
    with contextlib.suppress(QueryRefused):
        while True:
            log.append(ENTRY)
            accepted += 1
    return accepted


def test_a_full_disk_refuses_queries_and_recovers(small_disk: Path) -> None:
    if os.statvfs(small_disk).f_blocks * os.statvfs(small_disk).f_frsize > 2**20:
        return  # not allowed to mount here; the file size limit above tests the same path
    log = AuditLog.open(small_disk / "audit", reserve_bytes=100_000)
    filler = small_disk / "filler"
    fill(filler)

    log.append(ENTRY)
    with pytest.raises(QueryRefused) as refused:
        log.ensure_writable()
    accepted = 1 + append_until_refused(log)

    assert refused.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert 50 < accepted < 200
    assert verify(small_disk / "audit").records == accepted
    filler.unlink()
    time.sleep(0.3)
    log.ensure_writable()
    log.append(ENTRY)
    log.close()
    assert verify(small_disk / "audit").records == accepted + 1
