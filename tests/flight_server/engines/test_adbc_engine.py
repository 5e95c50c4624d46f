"""A remote engine behind an ADBC driver: its tables, its rows, and what happens when it is not there."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

import pytest

from flight_server.engines.adbc_engine import AdbcEngine
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import TableName
from flight_server.watcher import Call
from tests.fixtures.remote_engine import FarEngine

ORDERS = TableName("far.main", "orders")
SHADOW = "sealed_remote"
COUNT = f'SELECT count_star() AS n FROM {SHADOW}."far.main".orders'
FAR = f'{SHADOW}."far.main".orders'
LONG = f"SELECT sum((a.total * b.total)) AS s FROM {FAR} AS a , {FAR} AS b"


def _call(seconds: float = 30.0) -> Call:
    return Call(time.monotonic() + seconds)


def _rows(engine: AdbcEngine, sql: str, call: Call | None = None) -> list[dict[str, object]]:
    stream = engine.query(sql, SHADOW, (), None, call or _call(), hides=False)
    with closing(stream):
        return [row for batch in stream.batches() for row in batch.to_pylist()]


def _dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_finds_tables_and_types_by_the_drivers_metadata(far_engine: FarEngine) -> None:
    columns = {column.column.name: column.column.type for column in far_engine().tables[ORDERS].columns}

    assert columns["customer_id"] == "VARCHAR"
    assert columns["total"].startswith("D")


def test_shows_the_tables_that_the_settings_name_and_no_others(far_engine: FarEngine) -> None:
    assert set(far_engine(tables=("orders",)).tables) == {ORDERS}


def test_streams_the_rows_of_a_query(far_engine: FarEngine) -> None:
    assert _rows(far_engine(), COUNT) == [{"n": 120_000}]


def test_an_engine_that_is_gone_is_refused_in_time_and_its_tables_are_remembered(
    far_engine: FarEngine,
) -> None:
    there = far_engine()
    gone = far_engine(uri=f"grpc://127.0.0.1:{_dead_port()}")
    began = time.monotonic()

    with pytest.raises(QueryRefused) as caught:
        _rows(gone, COUNT)
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert "'far'" in caught.value.message
    assert time.monotonic() - began < 4
    assert gone.tables == there.tables


def test_a_driver_that_is_not_installed_is_refused_in_words(far_engine: FarEngine) -> None:
    with pytest.raises(QueryRefused) as caught:
        _rows(far_engine(driver="bigquery", tables=("orders",)), COUNT)

    assert caught.value.code in (ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.QUERY_ERROR)


def test_the_deadline_ends_the_waiting(far_engine: FarEngine) -> None:
    engine = far_engine()
    call = _call(0.7)
    timer = threading.Timer(0.7, lambda: call.stop(ErrorCode.QUERY_TIMEOUT))
    timer.start()
    began = time.monotonic()

    with pytest.raises(QueryRefused) as caught:
        _rows(engine, LONG, call)
    timer.join()
    assert caught.value.code is ErrorCode.QUERY_TIMEOUT
    assert time.monotonic() - began < 3
    assert _rows(engine, COUNT) == [{"n": 120_000}]


def test_no_more_connections_are_lent_than_allowed(far_engine: FarEngine) -> None:
    engine = far_engine(connections=1)
    first = engine.query(COUNT, SHADOW, (), None, _call(), hides=False)
    call = _call(0.3)

    with pytest.raises(QueryRefused) as caught:
        engine.query(COUNT, SHADOW, (), None, call, hides=False)
    first.close()
    assert caught.value.code is ErrorCode.QUERY_TIMEOUT
    assert _rows(engine, COUNT) == [{"n": 120_000}]


def test_an_error_of_the_engine_is_a_class_for_those_from_whom_something_is_hidden(
    far_engine: FarEngine,
) -> None:
    engine = far_engine()
    sql = f'SELECT nope FROM {SHADOW}."far.main".orders'

    with pytest.raises(QueryRefused) as shown:
        engine.query(sql, SHADOW, (), None, _call(), hides=False)
    with pytest.raises(QueryRefused) as hidden:
        engine.query(sql, SHADOW, (), None, _call(), hides=True)
    assert "nope" in shown.value.message
    assert hidden.value.message == "SQL error: the query failed"
    assert "nope" in hidden.value.detail
