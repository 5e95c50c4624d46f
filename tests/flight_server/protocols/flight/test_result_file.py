"""The gateway's file for a large answer: which file is taken, and what is written to it."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.protocols.flight.result_file import ResultFile, result_file
from http_gateway.lent_file import LentFile

TABLE = pa.table({"i": list(range(1000)), "text": [f"row {i}" for i in range(1000)]})


@pytest.fixture
def lent(tmp_path: Path) -> Iterator[LentFile]:
    file = LentFile(tmp_path)
    yield file
    file.close()


def offered(lent: LentFile, most_bytes: int = 1 << 20) -> ResultFile:
    file = result_file(lent.offer(most_bytes))
    assert file is not None
    return file


def written(file: ResultFile) -> int:
    descriptor = file.open()
    assert descriptor is not None
    return file.write(descriptor, TABLE.schema, TABLE.to_batches(max_chunksize=100))


def test_writes_an_arrow_stream_in_place_of_the_mark(lent: LentFile) -> None:
    length = written(offered(lent))

    content = os.pread(lent.descriptor, 1 << 20, 0)
    assert len(content) == length
    assert pa.ipc.open_stream(content).read_all() == TABLE


def test_takes_no_file_without_the_mark(lent: LentFile) -> None:
    stranger = ResultFile(os.getpid(), lent.descriptor, "0" * 32, 1 << 20)

    assert stranger.open() is None
    assert os.pread(lent.descriptor, 64, 0) == lent.mark.encode()


def test_takes_no_file_that_has_a_name(tmp_path: Path) -> None:
    mark = "a" * 32
    with (tmp_path / "named").open("w+b", buffering=0) as named:
        named.write(mark.encode())

        assert ResultFile(os.getpid(), named.fileno(), mark, 1 << 20).open() is None


def test_takes_nothing_where_nothing_is() -> None:
    assert ResultFile(os.getpid(), 999_999, "a" * 32, 1).open() is None
    assert ResultFile(4_194_305, 0, "a" * 32, 1).open() is None


def test_takes_no_device() -> None:
    with Path("/dev/zero").open("rb") as device:
        assert ResultFile(os.getpid(), device.fileno(), "\0" * 32, 1).open() is None


@pytest.mark.parametrize("header", ["", "1:2:3:4", "1:2:" + "g" * 32 + ":4", "-1:2:" + "a" * 32 + ":4", "x"])
def test_a_header_of_another_form_offers_nothing(header: str) -> None:
    assert result_file(header) is None


def test_an_answer_above_the_limit_is_refused(lent: LentFile) -> None:
    with pytest.raises(QueryRefused) as refused:
        written(offered(lent, most_bytes=4000))

    assert refused.value.code is ErrorCode.RESULT_TOO_LARGE
    assert "4000" in refused.value.message


def test_a_full_disk_is_no_defect(lent: LentFile) -> None:
    with files_of_at_most(2000), pytest.raises(QueryRefused) as refused:
        written(offered(lent))

    assert refused.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert "no room" in refused.value.message


def test_leaves_no_descriptor_open(lent: LentFile) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    written(offered(lent))
    ResultFile(os.getpid(), lent.descriptor, "0" * 32, 1).open()

    assert len(list(Path("/proc/self/fd").iterdir())) == before


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
