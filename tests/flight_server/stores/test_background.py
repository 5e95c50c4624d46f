"""The thread behind the lazy writes."""

from __future__ import annotations

import threading

from structlog.testing import capture_logs

from flight_server.stores.background import Ticker


def test_runs_again_and_again_and_once_more_at_the_end() -> None:
    turns: list[int] = []
    third = threading.Event()

    def task() -> None:
        turns.append(1)
        if len(turns) == 3:
            third.set()

    ticker = Ticker("test", 0.001, task)
    assert third.wait(5)
    ticker.close()
    count = len(turns)
    ticker.close()

    assert len(turns) == count >= 4


def test_survives_a_failing_task_and_reports_it_once() -> None:
    turns: list[int] = []
    third = threading.Event()

    def task() -> None:
        turns.append(1)
        if len(turns) >= 3:
            third.set()
        raise ValueError("no space")

    with capture_logs() as logs:
        ticker = Ticker("test", 0.001, task)
        assert third.wait(5)
        ticker.close()

    assert [entry["fault"] for entry in logs] == ["ValueError: no space"]
