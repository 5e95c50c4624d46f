"""Usage, quota and request rates with a real file, across restarts."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores.usage import Consumption, UsageLine, UsageStore

NOON = dt.datetime(2026, 12, 30, 12, tzinfo=dt.UTC).timestamp()
USED = Consumption(
    "hd_live_aaaa", "bot", ("main.a", "main.b"), refused=False, rows=10, bytes=100, credits=3.0
)


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def usage(tmp_path: Path, clock: Clock) -> Iterator[UsageStore]:
    opened = UsageStore.open(tmp_path / "usage.db", clock)
    yield opened
    opened.close()


def test_counts_by_day_key_agent_and_table(usage: UsageStore, clock: Clock) -> None:
    usage.add(USED, counts_for_quota=True)
    usage.add(USED, counts_for_quota=True)
    clock.now += 86_400
    usage.add(USED, counts_for_quota=True)

    lines = usage.report(dt.date(2026, 12, 1))

    assert lines[:3] == [
        UsageLine("2026-12-30", "hd_live_aaaa", "bot", "", 2, 0, 20, 200, 6.0),
        UsageLine("2026-12-30", "hd_live_aaaa", "bot", "main.a", 2, 0, 20, 200, 3.0),
        UsageLine("2026-12-30", "hd_live_aaaa", "bot", "main.b", 2, 0, 20, 200, 3.0),
    ]
    assert [line.day for line in lines[3:]] == ["2026-12-31"] * 3


def test_reports_one_key_alone(usage: UsageStore) -> None:
    usage.add(USED, counts_for_quota=True)

    assert usage.report(dt.date(2026, 12, 1), "hd_live_bbbb") == []


def test_holds_credits_so_that_running_queries_cannot_pass_the_quota_together(usage: UsageStore) -> None:
    usage.hold("key", 6.0, 10.0)

    with pytest.raises(QueryRefused) as caught:
        usage.hold("key", 6.0, 10.0)

    assert caught.value.code is ErrorCode.QUOTA_EXCEEDED
    assert caught.value.rate_limit == (10, 4, dt.datetime(2027, 1, 1, tzinfo=dt.UTC).timestamp())
    assert caught.value.retry_after == 1.5 * 86_400
    usage.release("key", 6.0)
    usage.hold("key", 10.0, 10.0)


def test_a_new_month_has_a_new_quota(usage: UsageStore, clock: Clock) -> None:
    usage.add(USED, counts_for_quota=True)
    with pytest.raises(QueryRefused):
        usage.hold("hd_live_aaaa", 1.0, 3.5)

    clock.now += 2 * 86_400
    usage.hold("hd_live_aaaa", 1.0, 3.5)

    assert usage.spent_this_month("hd_live_aaaa") == 0.0


def test_what_does_not_count_for_the_quota_is_reported_all_the_same(usage: UsageStore) -> None:
    usage.add(USED, counts_for_quota=False)

    assert usage.spent_this_month("hd_live_aaaa") == 0.0
    assert usage.report(dt.date(2026, 12, 1))[0].credits == 3.0


def test_credits_and_rates_survive_a_restart(tmp_path: Path, clock: Clock) -> None:
    before = UsageStore.open(tmp_path / "usage.db", clock)
    before.add(USED, counts_for_quota=True)
    for _ in range(3):
        before.rate.take("key", 3, None)
    before.close()
    clock.now += 10

    after = UsageStore.open(tmp_path / "usage.db", clock)

    assert after.spent_this_month("hd_live_aaaa") == 3.0
    with pytest.raises(QueryRefused) as caught:
        after.rate.take("key", 3, None)
    assert caught.value.rate_limit == (3, 0, NOON + 60)
    clock.now += 51
    after.rate.take("key", 3, None)
    after.close()


COUNTER = """
import pathlib, sys
from flight_server.stores.usage import Consumption, UsageStore
usage = UsageStore.open(pathlib.Path(sys.argv[1]))
print("counting", flush=True)
while True:
    usage.add(Consumption("key", "bot", (), False, 1, 1, 1.0), counts_for_quota=True)
    sys.stdout.write("1\\n")
    sys.stdout.flush()
"""


def test_a_crash_loses_at_most_a_second_of_counts(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    process = subprocess.Popen([sys.executable, "-c", COUNTER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    counted_by_then = 0
    give_up = time.monotonic() + 2.0
    while time.monotonic() < give_up:
        process.stdout.readline()
        counted_by_then += time.monotonic() < give_up - 1.0
    process.send_signal(signal.SIGKILL)
    process.communicate()

    usage = UsageStore.open(path)
    spent = usage.spent_this_month("key")
    usage.close()

    assert spent >= counted_by_then > 0


def test_threads_lose_no_count(usage: UsageStore) -> None:
    def count() -> None:
        for _ in range(500):
            usage.hold("hd_live_aaaa", 1.0, None)
            usage.add(USED, counts_for_quota=True)
            usage.release("hd_live_aaaa", 1.0)
            usage.rate.take("key", 1_000_000, 1_000_000)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert usage.report(dt.date(2026, 12, 1))[0].queries == 2000
    assert usage.spent_this_month("hd_live_aaaa") == 6000.0
