"""Leases go on in an open transaction only while it shows what a new one would."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import duckdb
import pytest

from flight_server.engines.duckdb_pool import LONGEST_S, ConnectionPool
from flight_server.stores.changes import Changes


@pytest.fixture
def root() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 0 AS i")
        yield connection


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def pool(root: duckdb.DuckDBPyConnection, changes: Changes) -> Iterator[ConnectionPool]:
    with closing(ConnectionPool(root.cursor, changes)) as lending:
        yield lending


def read(pool: ConnectionPool, fresh: bool = False) -> object:
    lease = pool.lease(fresh)
    rows = lease.connection.execute("SELECT count(*) FROM t").fetchall()
    pool.release(lease, reusable=True)
    return rows[0][0]


def write(root: duckdb.DuckDBPyConnection, changes: Changes) -> None:
    with changes.writing(None):
        root.execute("INSERT INTO t VALUES (1)")


def test_a_quiet_time_is_one_transaction(pool: ConnectionPool) -> None:
    first = pool.lease(fresh=False)
    pool.release(first, reusable=True)

    assert pool.lease(fresh=False) is first


def test_what_is_committed_is_seen_at_once(
    pool: ConnectionPool, root: duckdb.DuckDBPyConnection, changes: Changes
) -> None:
    counts = []
    for _ in range(20):
        counts.append(read(pool))
        write(root, changes)

    assert counts == list(range(1, 21))


def test_a_lease_of_before_a_write_is_not_used_again(
    pool: ConnectionPool, root: duckdb.DuckDBPyConnection, changes: Changes
) -> None:
    old = pool.lease(fresh=False)
    before = old.connection.execute("SELECT count(*) FROM t").fetchall()
    write(root, changes)
    still = old.connection.execute("SELECT count(*) FROM t").fetchall()
    pool.release(old, reusable=True)

    assert before == still
    assert read(pool) == 2


def test_no_lease_is_reused_while_something_is_being_written(pool: ConnectionPool, changes: Changes) -> None:
    with changes.writing(None):
        first = pool.lease(fresh=False)
        pool.release(first, reusable=True)

        assert pool.lease(fresh=False) is not first


def test_a_query_that_asks_for_the_time_gets_its_own(pool: ConnectionPool) -> None:
    times = []
    for _ in range(3):
        lease = pool.lease(fresh=True)
        times.append(lease.connection.execute("SELECT now()::TIMESTAMP").fetchall())
        pool.release(lease, reusable=True)
        time.sleep(0.002)

    assert times[0] < times[1] < times[2]


def test_a_failed_or_cut_query_leaves_no_open_transaction(pool: ConnectionPool) -> None:
    lease = pool.lease(fresh=False)
    with pytest.raises(duckdb.Error):
        lease.connection.execute("SELECT error('x')").fetchall()
    pool.release(lease, reusable=False)

    assert read(pool) == 1


def test_every_lease_is_read_only(pool: ConnectionPool) -> None:
    lease = pool.lease(fresh=False)

    with pytest.raises(duckdb.TransactionException, match="read-only"):
        lease.connection.execute("INSERT INTO t VALUES (2)")
    pool.release(lease, reusable=False)


def test_an_idle_transaction_is_ended_soon(pool: ConnectionPool) -> None:
    lease = pool.lease(fresh=False)
    pool.release(lease, reusable=True)

    assert _within(LONGEST_S + 1, lambda: not pool._open)


def test_many_threads_each_get_their_own_connection(pool: ConnectionPool) -> None:
    leases = []
    together = threading.Barrier(8)

    def take() -> None:
        together.wait()
        leases.append(pool.lease(fresh=False))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(lease.connection) for lease in leases}) == 8
    for lease in leases:
        pool.release(lease, reusable=True)


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
