"""The instance is locked down, reads back as it was locked, and does not start otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flight_server.engines.duckdb_lock import CONNECT, LOCKED, NotLocked, lock, verify


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {**CONNECT}
    with duckdb.connect(":memory:", config=config) as fresh:
        yield fresh


@pytest.mark.parametrize(
    "name", [name for name in (*CONNECT, *LOCKED) if name != "arrow_lossless_conversion"]
)
def test_a_setting_that_did_not_take_stops_the_start(name: str) -> None:
    wanted = {**CONNECT, **LOCKED}
    other = {
        "true": "false",
        "false": "true",
        "forbidden": "allowed",
        "1000": "999",
        "0": "5",
        "UTC": "Asia/Tokyo",
    }
    unlocked = {key: value for key, value in wanted.items() if key not in (name, "lock_configuration")}
    config: dict[str, str | bool | int | float | list[str]] = {
        key: value for key, value in unlocked.items() if key in CONNECT
    }
    if name in CONNECT:
        config[name] = other[CONNECT[name]]
    with duckdb.connect(":memory:", config=config) as connection:
        for key, value in unlocked.items():
            if key in LOCKED:
                connection.execute(f"SET GLOBAL {key} = '{value}'")
        if name in LOCKED and name not in ("enable_external_access", "lock_configuration"):
            connection.execute(f"SET GLOBAL {name} = '{other[LOCKED[name]]}'")

        with pytest.raises(NotLocked, match=name):
            verify(connection)


def test_all_settings_read_back(connection: duckdb.DuckDBPyConnection) -> None:
    lock(connection, ())
    verify(connection)
    verify(connection.cursor())

    read = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
    assert read == (True,)


@pytest.mark.parametrize(
    "sql",
    [
        "SET threads = 1",
        "SET GLOBAL TimeZone = 'Asia/Tokyo'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "SET python_enable_replacements = true",
        "PRAGMA enable_profiling",
        "SELECT * FROM read_csv('{folder}/a.csv')",
        "SELECT * FROM '{folder}/a.csv'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_text('{folder}/a.csv')",
        "COPY (SELECT 1) TO '{folder}/b.csv'",
        "WITH c AS (COPY (SELECT 1) TO '{folder}/b.csv') SELECT 1",
        "ATTACH '{folder}/c.duckdb' AS c",
        "EXPORT DATABASE '{folder}/d'",
        "INSTALL httpfs",
        "LOAD '{folder}/x.duckdb_extension'",
        "CREATE PERSISTENT SECRET s (TYPE http)",
    ],
)
def test_nothing_reaches_a_file_or_a_setting(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str
) -> None:
    (tmp_path / "a.csv").write_text("secret\n1\n")
    lock(connection, ())

    with pytest.raises(duckdb.Error):
        connection.execute(sql.format(folder=tmp_path)).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv"]


def test_python_variables_are_no_tables(connection: duckdb.DuckDBPyConnection) -> None:
    secret = duckdb.sql("SELECT 1 AS i")
    lock(connection, ())

    assert secret is not None
    with pytest.raises(duckdb.CatalogException):
        connection.execute("FROM secret")


def test_files_of_a_data_directory_are_read_and_no_others(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    inside, outside = tmp_path / "it's data", tmp_path / "it's data_evil"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("i\n1\n")
    (inside / "link.csv").symlink_to(outside / "a.csv")
    lock(connection, [str(inside)])

    assert connection.execute("FROM read_csv(?)", [str(inside / "a.csv")]).fetchall() == [(1,)]
    for path in (outside / "a.csv", inside / ".." / "it's data_evil" / "a.csv", inside / "link.csv"):
        with pytest.raises(duckdb.PermissionException):
            connection.execute("FROM read_csv(?)", [str(path)]).fetchall()
