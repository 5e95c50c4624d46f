"""The catalog is one immutable snapshot with a version that only committed definitions raise."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from flight_server.model import TableName
from flight_server.stores import catalog as catalog_module
from flight_server.stores.catalog import Catalog, Column, Table
from tests.fixtures.warehouse import Warehouse


class Source:
    """Tables as an engine would tell them, which a test may change."""

    def __init__(self) -> None:
        self.rows = 5
        self.loads = 0
        self.names = ["Orders"]

    def load(self) -> tuple[list[Table], list[str]]:
        self.loads += 1
        columns = (Column("ID", "INTEGER"), Column("É", "VARCHAR"))
        return [Table("Main", name, columns, self.rows, False) for name in self.names], ["Main", "Finance"]


def test_tables_are_found_by_folded_names_and_keep_their_own() -> None:
    snapshot = Catalog(Source().load).snapshot()

    assert snapshot.tables[TableName("main", "orders")].name == "Orders"
    assert snapshot.schemas == {"main", "finance"}


def test_columns_are_found_as_duckdb_compares_them() -> None:
    table = Catalog(Source().load).snapshot().tables[TableName("main", "orders")]

    assert table.column("id") == table.column("Id") == Column("ID", "INTEGER")
    assert table.column("é") is None
    assert table.column("É") == Column("É", "VARCHAR")


def test_a_change_is_read_under_a_new_version() -> None:
    source = Source()
    catalog = Catalog(source.load)
    before = catalog.snapshot()
    source.names = ["Orders", "Customers"]
    unchanged = catalog.snapshot()
    catalog.changed()
    after = catalog.snapshot()

    assert unchanged is before
    assert after.version > before.version
    assert TableName("main", "customers") in after.tables
    assert TableName("main", "customers") not in before.tables


def test_row_counts_are_renewed_and_keep_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    catalog = Catalog(source.load)
    before = catalog.snapshot()
    source.rows = 9
    monkeypatch.setattr(catalog_module, "ROW_COUNTS_MAX_AGE_S", 0.0)
    after = catalog.snapshot()

    assert after.version == before.version
    assert after.tables[TableName("main", "orders")].estimated_rows == 9


def test_every_change_of_many_threads_counts() -> None:
    catalog = Catalog(Source().load)
    threads = [threading.Thread(target=catalog.changed) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert catalog.snapshot().version == 10


def test_an_engine_describes_its_tables_and_views(own_warehouse: Callable[..., Warehouse]) -> None:
    warehouse = own_warehouse(
        "CREATE TABLE t (i INTEGER NOT NULL, d DECIMAL(18, 2)); INSERT INTO t VALUES (1, 2), (3, 4);"
        'CREATE VIEW v AS SELECT d FROM t; CREATE SCHEMA s; CREATE TABLE s."W x" (a VARCHAR[])'
    )
    snapshot = warehouse.catalog.snapshot()
    table, view, odd = (
        snapshot.tables[TableName(*key)] for key in (("main", "t"), ("main", "v"), ("s", "w x"))
    )

    assert [(c.name, c.type, c.nullable) for c in table.columns] == [
        ("i", "INTEGER", False),
        ("d", "DECIMAL(18,2)", True),
    ]
    assert (table.is_view, table.estimated_rows) == (False, 2)
    assert (view.is_view, "SELECT d FROM" in view.definition) == (True, True)
    assert warehouse.engine.catalog not in view.definition
    assert [column.type for column in odd.columns] == ["VARCHAR[]"]
    assert snapshot.schemas == {"main", "s"}
