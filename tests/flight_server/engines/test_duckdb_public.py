"""Nobody is told the random name of the catalog in which the raw tables are; the public one works."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from tests.fixtures.warehouse import Warehouse

SETUP = """
CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR DEFAULT 'x');
CREATE VIEW v AS SELECT a FROM t;
CREATE SCHEMA finance;
CREATE SEQUENCE s;
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("public") / "own.duckdb", SETUP)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.schemata",
        "SHOW ALL TABLES",
        "SHOW DATABASES",
        "SHOW SCHEMAS",
        "FROM (SHOW ALL TABLES)",
        "FROM duckdb_tables()",
        "FROM duckdb_columns()",
        "FROM duckdb_databases()",
        "FROM duckdb_views()",
        "FROM duckdb_sequences()",
        "FROM pg_catalog.pg_database",
        "FROM pg_database",
        "FROM sqlite_master",
        "SELECT list(table_catalog) AS l, max(table_catalog) AS m FROM information_schema.tables",
        "EXPLAIN SELECT * FROM t",
        "EXPLAIN (FORMAT JSON) SELECT * FROM t",
        "EXPLAIN ANALYZE SELECT * FROM t",
        "SELECT current_database(), current_catalog()",
    ],
)
def test_the_sealed_name_is_in_no_answer(shop: Warehouse, sql: str) -> None:
    answer = shop.ask(sql)

    assert answer.num_rows > 0
    assert shop.engine.catalog not in str(answer.to_pylist()) + str(answer.schema)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT table_name FROM information_schema.tables WHERE table_catalog = 'hatidata'", {"t", "v"}),
        ("SELECT table_name FROM duckdb_tables() WHERE database_name IN ('hatidata', 'x')", {"t"}),
        ("SELECT name FROM (SHOW ALL TABLES) WHERE database = 'HatiData'", {"t", "v"}),
        (
            "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database()",
            {"t", "v"},
        ),
        ("SELECT DISTINCT table_catalog FROM information_schema.tables", {"hatidata"}),
        ("SELECT 'hatidata' FROM t RIGHT JOIN (SELECT 1) ON true", {"hatidata"}),
    ],
)
def test_the_public_name_finds_the_warehouse(shop: Warehouse, sql: str, rows: set[str]) -> None:
    assert {row[0] for row in shop.rows(sql)} == rows


def test_in_a_transaction_the_names_are_the_same(own_warehouse: Callable[..., Warehouse]) -> None:
    warehouse = own_warehouse(SETUP)
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("BEGIN", session=session)
        catalogs = warehouse.rows("SELECT DISTINCT database FROM (SHOW ALL TABLES)", session=session)

    assert catalogs == [("hatidata",)]
