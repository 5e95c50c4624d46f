"""Results stream in flat memory, stop at once, and give back what they hold."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.watcher import Call, Watcher
from tests.fixtures.warehouse import ANALYST, Warehouse

ENDLESS = "SELECT sum(hash(a.i + b.i)) FROM range(1000000000) a(i), range(1000000) b(i)"
SLOW_ROWS = "SELECT i FROM range(100000000000) t(i) WHERE hash(i) % 5000000 = 0"
SOON_S = 0.3


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def test_memory_stays_flat_over_fifty_million_rows(warehouse: Warehouse) -> None:
    _, execution = warehouse.start("SELECT i, i * 2 AS j FROM range(50000000) t(i)")
    rows, highest, start = 0, 0.0, resident_mb()
    with closing(execution):
        for number, batch in enumerate(execution.batches()):
            rows += batch.num_rows
            if number % 100 == 0:
                highest = max(highest, resident_mb())

    assert rows == 50_000_000
    assert highest - start < 150


def pull(warehouse: Warehouse, sql: str, call: Call) -> ErrorCode | None:
    """Read a query to its end and return with which code it ended."""
    try:
        _, execution = warehouse.start(sql, call=call)
        with closing(execution):
            for _ in execution.batches():
                call.check()
    except QueryRefused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("sql", [ENDLESS, SLOW_ROWS])
@pytest.mark.parametrize(
    "reason", [ErrorCode.QUERY_CANCELLED, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.QUERY_TIMEOUT]
)
def test_a_stopped_call_ends_its_query_at_once(warehouse: Warehouse, sql: str, reason: ErrorCode) -> None:
    call = Call(time.monotonic() + 30)
    stopped: list[float] = []

    def stop() -> None:
        stopped.append(time.monotonic())
        call.stop(reason)

    with Watcher() as watcher:
        watcher.watch(call)
        timer = threading.Timer(0.2, stop)
        timer.start()
        code = pull(warehouse, sql, call)
        ended = time.monotonic()
        watcher.forget(call)
        timer.join()

    assert code is reason
    assert ended - stopped[0] < SOON_S


def test_a_deadline_ends_a_query_at_once(warehouse: Warehouse) -> None:
    call = Call(time.monotonic() + 0.3)
    with Watcher() as watcher:
        watcher.watch(call)
        code = pull(warehouse, ENDLESS, call)
        late = time.monotonic() - call.deadline
        watcher.forget(call)

    assert code is ErrorCode.QUERY_TIMEOUT
    assert late < SOON_S


def test_a_caller_who_leaves_ends_its_query_at_once(warehouse: Warehouse) -> None:
    leaves = time.monotonic() + 0.2
    call = Call(time.monotonic() + 30, lambda: time.monotonic() > leaves)
    with Watcher() as watcher:
        watcher.watch(call)
        code = pull(warehouse, ENDLESS, call)
        late = time.monotonic() - leaves
        watcher.forget(call)

    assert code is ErrorCode.QUERY_CANCELLED
    assert late < SOON_S


def test_a_call_that_was_stopped_before_runs_nothing(warehouse: Warehouse) -> None:
    call = Call(time.monotonic() + 30)
    call.stop(ErrorCode.QUERY_CANCELLED)
    with Watcher() as watcher:
        watcher.watch(call)
        begun = time.monotonic()
        code = pull(warehouse, ENDLESS, call)
        watcher.forget(call)

    assert code is ErrorCode.QUERY_CANCELLED
    assert time.monotonic() - begun < SOON_S


def test_a_connection_is_usable_after_an_interrupt(warehouse: Warehouse) -> None:
    for _ in range(3):
        call = Call(time.monotonic() + 0.1)
        with Watcher() as watcher:
            watcher.watch(call)
            pull(warehouse, ENDLESS, call)
            watcher.forget(call)

        assert warehouse.rows("SELECT count(*) FROM customers") == [(40,)]


def test_a_reader_that_leaves_in_the_middle_stops_the_query(warehouse: Warehouse) -> None:
    _, execution = warehouse.start("SELECT i FROM range(100000000000) t(i)")
    batches = execution.batches()
    first = next(batches)
    begun = time.monotonic()
    execution.close()

    assert first.num_rows > 0
    assert time.monotonic() - begun < SOON_S
    with pytest.raises(QueryRefused) as told:  # an end would say that these were all rows
        next(batches)
    assert told.value.code is ErrorCode.QUERY_CANCELLED


def test_closing_twice_is_harmless(warehouse: Warehouse) -> None:
    _, execution = warehouse.start("FROM customers")
    execution.close()
    execution.close()

    assert warehouse.rows("SELECT count(*) FROM customers") == [(40,)]


def test_an_error_in_the_middle_of_a_stream_is_a_refusal(warehouse: Warehouse) -> None:
    sql = "SELECT CASE WHEN i = 5000000 THEN error('late') ELSE i END AS v FROM range(6000000) t(i)"
    _, execution = warehouse.start(sql)
    with closing(execution), pytest.raises(QueryRefused) as refused:
        for _ in execution.batches():
            pass

    assert refused.value.code is ErrorCode.QUERY_ERROR
    assert "late" in refused.value.message


def test_an_error_in_the_middle_tells_the_restricted_only_its_class(warehouse: Warehouse) -> None:
    sql = "SELECT CAST(CASE WHEN code > '3' THEN code || 'x' ELSE code END AS INTEGER) AS v FROM customers"
    with pytest.raises(QueryRefused) as refused:
        warehouse.ask(sql, sees=ANALYST)

    assert refused.value.message == "SQL error: conversion failed"


def test_many_streams_are_open_at_once(warehouse: Warehouse) -> None:
    executions = [warehouse.start("FROM range(1000000)")[1] for _ in range(20)]
    streams = [execution.batches() for execution in executions]
    firsts = [next(stream).num_rows for stream in streams]
    for execution in executions:
        execution.close()

    assert len(firsts) == 20
    assert min(firsts) > 0
