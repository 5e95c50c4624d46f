"""The tables are read from the warehouse, or from their description while a service has it open."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flight_server.model import TableName
from flight_server.policy.catalog_file import NoCatalog, described, read_catalog, tables_of
from flight_server.stores.catalog import Column, Table

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
DESCRIBED = {
    TableName("main", "other"): Table("main", "Other", (Column("x", "INTEGER"),), 0, is_view=False),
}


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE T (a INTEGER, B DECIMAL(18,2)); CREATE VIEW v AS SELECT a FROM T")
        connection.execute("CREATE SCHEMA finance; CREATE TABLE finance.ledger (account VARCHAR)")
    return path


def test_reads_tables_and_views_of_all_schemas(warehouse: Path) -> None:
    tables = tables_of(str(warehouse), warehouse.with_name("catalog.json"))

    assert set(tables) == {TableName("main", "t"), TableName("main", "v"), TableName("finance", "ledger")}
    assert tables[TableName("main", "t")].columns == (Column("a", "INTEGER"), Column("B", "DECIMAL(18,2)"))
    assert tables[TableName("main", "v")].is_view


def test_the_tables_of_remote_engines_come_from_the_description(warehouse: Path) -> None:
    path = warehouse.with_name("catalog.json")
    far = Table("far.main", "rows", (Column("k", "BIGINT"),), 0, is_view=False, engine="far")
    described(lambda: ([*DESCRIBED.values(), far], ["main"]), path)()

    tables = tables_of(str(warehouse), path)
    assert tables[TableName("far.main", "rows")] == far
    assert TableName("main", "other") not in tables


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    described(lambda: (list(DESCRIBED.values()), ["main"]), tmp_path / "catalog.json")()

    assert read_catalog(tmp_path / "catalog.json") == DESCRIBED


def test_a_description_follows_the_definitions_and_not_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    tables = list(DESCRIBED.values())
    load = described(lambda: (list(tables), ["main"]), path)
    load()
    first = path.stat().st_ino
    tables[0] = dataclasses.replace(tables[0], estimated_rows=5)
    load()
    second = path.stat().st_ino
    tables.append(Table("main", "new", (), 0, is_view=False))
    load()

    assert first == second
    assert TableName("main", "new") in read_catalog(path)


def test_a_warehouse_in_use_is_known_by_its_description(warehouse: Path) -> None:
    description = warehouse.with_name("catalog.json")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(NoCatalog):
            tables_of(str(warehouse), description)
        described(lambda: (list(DESCRIBED.values()), ["main"]), description)()
        tables = tables_of(str(warehouse), description)
        holder.communicate()

    assert tables == DESCRIBED


def test_a_home_without_a_warehouse_has_no_tables(tmp_path: Path) -> None:
    assert tables_of(str(tmp_path / "none.duckdb"), tmp_path / "catalog.json") == {}
