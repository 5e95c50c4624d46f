"""Where a result waits: memory first, then a file without a name."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.errors import Code, Refused
from http_gateway.spool import MemoryBudget, Spool, SpoolRoom


def room(directory: Path, *, threshold: int = 100, budget: int = 1000) -> SpoolRoom:
    return SpoolRoom(directory, MemoryBudget(budget), threshold)


def content(spool: Spool) -> bytes:
    return b"".join(spool.pieces())


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def open_spool_files(directory: Path) -> list[str]:
    targets = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [target for target in targets if target.startswith(str(directory))]


def test_keeps_a_small_result_in_memory(tmp_path: Path) -> None:
    spool = room(tmp_path).open()
    spool.write(b"a" * 60, memoryview(b"b" * 40))

    assert content(spool) == b"a" * 60 + b"b" * 40
    assert open_spool_files(tmp_path) == []
    spool.close()


def test_moves_a_large_result_to_a_file_without_a_name(tmp_path: Path) -> None:
    spool = room(tmp_path).open()
    spool.write(b"a" * 60)
    spool.write(b"b" * 60)
    spool.write(b"c")

    assert content(spool) == b"a" * 60 + b"b" * 60 + b"c"
    assert len(open_spool_files(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_goes_to_a_file_when_others_hold_the_memory(tmp_path: Path) -> None:
    shared = room(tmp_path, budget=100)
    first, second = shared.open(), shared.open()
    first.write(b"a" * 80)
    second.write(b"b" * 80)

    assert len(open_spool_files(tmp_path)) == 1
    assert content(second) == b"b" * 80
    first.close()
    second.close()


def test_gives_everything_back(tmp_path: Path) -> None:
    shared = room(tmp_path)
    for size in (50, 500):
        spool = shared.open()
        spool.write(b"a" * size)
        spool.close()
        spool.close()

    assert shared.budget.free == 1000
    assert open_spool_files(tmp_path) == []


def test_a_full_disk_is_a_refusal_and_leaves_nothing(tmp_path: Path) -> None:
    shared = room(tmp_path)
    spool = shared.open()
    with files_of_at_most(4096), pytest.raises(Refused) as caught:
        spool.write(b"a" * 10_000)
    spool.close()

    assert caught.value.code is Code.SERVICE_UNAVAILABLE
    assert open_spool_files(tmp_path) == []
    assert shared.budget.free == 1000


@pytest.mark.parametrize("size", [0, 99, 5_000_000])
def test_sends_everything_down_a_socket(tmp_path: Path, size: int) -> None:
    spool = room(tmp_path).open()
    spool.write(os.urandom(size))
    ours, theirs = socket.socketpair()
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.extend(iter(lambda: theirs.recv(65_536), b"")))
    reader.start()
    spool.send_to(ours.fileno())
    ours.close()
    reader.join()
    theirs.close()

    assert b"".join(received) == content(spool)
    spool.close()


@given(parts=st.lists(st.binary(max_size=60), max_size=12))
def test_returns_what_was_written_wherever_it_went(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    spool = room(tmp_path_factory.getbasetemp() / "any").open()
    for part in parts:
        spool.write(part, b"|")

    assert content(spool) == b"".join(part + b"|" for part in parts)
    assert spool.length == len(content(spool))
    spool.close()
