"""Lines that wait to be written: all of them, in their order, with the time at which they came."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from hatidata_telemetry.lines import GATHER_SECONDS, MOST_WAITING, LateLines, stamped


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    structlog.configure(
        processors=[stamped, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    yield stream
    structlog.reset_defaults()


def _records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_are_written_soon_in_their_order_by_another_thread(stream: io.StringIO) -> None:
    writers: list[threading.Thread] = []
    log, lines = structlog.get_logger(), LateLines()

    def write(event: str, **members: Any) -> None:
        writers.append(threading.current_thread())
        log.info(event, **members)

    for number in range(50):
        lines.write(write, "query", number=number)
    deadline = time.monotonic() + 10
    while len(writers) < 50 and time.monotonic() < deadline:
        time.sleep(0.005)

    assert [record["number"] for record in _records(stream)] == list(range(50))
    assert threading.current_thread() not in writers


def test_a_line_has_the_time_at_which_it_came(stream: io.StringIO) -> None:
    lines = LateLines()
    before = datetime.now(UTC)

    lines.write(structlog.get_logger().warning, "late")
    told = datetime.now(UTC)
    time.sleep(GATHER_SECONDS * 3)
    lines.flush()

    (record,) = _records(stream)
    assert record["level"] == "warning"
    assert "at" not in record
    assert (
        before.timestamp() - 0.001
        <= datetime.fromisoformat(record["timestamp"]).timestamp()
        <= told.timestamp()
    )


def test_who_brings_too_much_writes_it(stream: io.StringIO) -> None:
    lines, log = LateLines(), structlog.get_logger()
    lines._start = lambda: None  # type: ignore[method-assign]  # the thread that never gets to run

    for number in range(MOST_WAITING + 1):
        lines.write(log.info, "query", number=number)

    assert len(_records(stream)) == MOST_WAITING


def test_a_closed_log_ends_nothing(stream: io.StringIO) -> None:
    lines, log = LateLines(), structlog.get_logger()
    lines.write(log.info, "query")
    stream.close()

    lines.flush()
    lines.write(log.info, "query")
    lines.flush()

    assert lines._waiting.empty()


def test_nothing_is_lost_at_the_end_of_a_process() -> None:
    program = (
        "from hatidata_telemetry.lines import LateLines\n"
        "lines = LateLines()\n"
        "for number in range(3): lines.write(lambda event, **_: print(event), f'line {number}')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.splitlines() == ["line 0", "line 1", "line 2"]
