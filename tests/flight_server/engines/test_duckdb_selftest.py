"""The start tries out what the row security relies on, and refuses an engine that differs."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from flight_server.engines import duckdb_selftest
from flight_server.engines.duckdb_lock import CONNECT, lock
from flight_server.engines.duckdb_selftest import EngineUnusable, self_test
from flight_server.syntax import functions
from flight_server.syntax.functions import unclassified
from flight_server.syntax.secure import FENCE

PLAIN = duckdb_selftest._SECURED.replace("TRY(v)", "v").replace("TRY(k)", "k").replace(f"LIMIT {FENCE}", "")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {**CONNECT}
    with duckdb.connect(":memory:", config=config) as locked:
        lock(locked, ())
        yield locked


def test_the_running_engine_is_as_reviewed(connection: duckdb.DuckDBPyConnection) -> None:
    self_test(connection)

    assert unclassified(connection) == []


def test_nothing_is_left_behind(connection: duckdb.DuckDBPyConnection) -> None:
    self_test(connection)

    assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    assert connection.execute(
        "SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'probe'"
    ).fetchall() == [(0,)]


def test_an_engine_whose_fence_lets_predicates_through_is_refused(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A derived table without fence and TRY stands for an optimiser that has learnt to see through them."""
    broken = tuple(sql.replace(duckdb_selftest._SECURED, PLAIN) for sql in duckdb_selftest._SILENT)
    monkeypatch.setattr(duckdb_selftest, "_SILENT", broken)

    with pytest.raises(EngineUnusable, match="the fence lets through"):
        self_test(connection)


def test_an_engine_whose_statistics_pass_the_fence_is_refused(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_selftest, "_SECURED", PLAIN)

    with pytest.raises(EngineUnusable, match="column statistics"):
        self_test(connection)


def test_an_engine_that_is_not_locked_is_refused() -> None:
    with duckdb.connect() as unlocked, pytest.raises(EngineUnusable, match="not refused: SET threads"):
        self_test(unlocked)


def test_an_engine_with_an_unknown_function_is_refused(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(functions._VERDICTS, ("scalar", "upper"))

    with pytest.raises(EngineUnusable, match="function upper has no verdict"):
        self_test(connection)
