"""The demo data: the same everywhere, and enough for every query of the documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from hatidata_agent.service.demo import TABLES, fill

DOCUMENT_QUERIES = (
    "SELECT customer_id, name, revenue, signup_date FROM customers ORDER BY revenue DESC LIMIT 10000",
    "SELECT * FROM orders WHERE total > 100",
    "SELECT region, SUM(revenue) as total FROM sales GROUP BY region",
    "SELECT * FROM customers LIMIT 1000",
    "SELECT * FROM orders WHERE status = 'pending' ORDER BY created_at DESC",
    "SELECT * FROM orders WHERE total > 100 LIMIT 1000",
    (
        "SELECT customer_id, SUM(total) AS revenue FROM orders GROUP BY customer_id "
        "ORDER BY revenue DESC LIMIT 100"
    ),
    "SELECT * FROM orders WHERE order_date >= '2025-01-01'",
    "SELECT customer_id, SUM(total) AS revenue FROM orders GROUP BY customer_id",
    "SELECT * FROM salary_data",
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "warehouse.duckdb"
    fill(str(path))
    return path


@pytest.fixture
def connection(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse), read_only=True) as opened:
        yield opened


@pytest.mark.parametrize("sql", DOCUMENT_QUERIES)
def test_a_query_of_the_documents_finds_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert connection.execute(sql).fetchone() is not None


def test_the_bound_query_of_document_003_finds_rows(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT * FROM orders WHERE customer_id = $1 AND total > $2"

    assert connection.execute(sql, ["cust-123", 100.0]).fetchone() is not None


def test_there_are_enough_orders(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute("SELECT count(*), count(DISTINCT status) FROM orders").fetchone()

    assert row == (120_000, 5)


def test_card_numbers_are_text_of_sixteen_digits(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT count(*) FROM customers WHERE NOT regexp_full_match(card_number, '[0-9]{16}')"

    assert connection.execute(sql).fetchone() == (0,)


def test_two_fillings_are_equal(warehouse: Path, tmp_path: Path) -> None:
    fill(str(tmp_path / "again.duckdb"))
    with duckdb.connect() as both:
        both.execute(f"ATTACH '{warehouse}' AS one (READ_ONLY)")
        both.execute(f"ATTACH '{tmp_path / 'again.duckdb'}' AS two (READ_ONLY)")
        differing = [
            table
            for table in TABLES
            if both.execute(f"SELECT count(*) FROM (FROM one.{table} EXCEPT FROM two.{table})").fetchone()
            != (0,)
        ]

    assert differing == []


def test_a_second_filling_leaves_the_tables_alone(warehouse: Path) -> None:
    assert not fill(str(warehouse))
