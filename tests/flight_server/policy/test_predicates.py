"""A row filter is checked against the tables it speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from flight_server.model import TableName
from flight_server.policy.predicates import PredicateCheck
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.parser import Parser

ORDERS = TableName("main", "orders")
TABLES = {
    ORDERS: Table(
        "main",
        "Orders",
        (
            Column("id", "INTEGER"),
            Column("Region", "VARCHAR"),
            Column("total", "DECIMAL(18,2)"),
            Column("tags", "VARCHAR[]"),
            Column("state", "ENUM('open', 'paid')"),
        ),
        0,
        is_view=False,
    ),
    TableName("finance", "ledger"): Table(
        "finance", "ledger", (Column("account", "VARCHAR"),), 0, is_view=True
    ),
}
GOOD = [
    "region = $region",
    "REGION = 'EU' AND total > 5",
    "id = $customer",
    "id IN (SELECT id FROM orders WHERE region = $region)",
    "region IN (SELECT account FROM finance.ledger)",
    "EXISTS (SELECT 1 FROM hatidata.finance.ledger l WHERE l.account = region)",
    "list_contains(tags, $team)",
    "state = 'open'",
    "true",
    "region IS NULL OR true",
]
BAD = [
    ("nope = 1", "nope"),
    ("region", "not BOOLEAN"),
    ("total + 1", "not BOOLEAN"),
    ("region = 'x' UNION SELECT 1", "syntax error"),
    ("region = 'x' ORDER BY 1", "syntax error"),
    ("sum(total) > 1", "aggregates"),
    ("region IN (SELECT account FROM finance.ledgers)", "'finance.ledgers' does not exist"),
    ("id IN (SELECT 1 FROM read_csv('x'))", "only use columns"),
    ("lower(region", "syntax error"),
    ("no_such_function(region)", "no_such_function"),
]


@pytest.fixture
def check() -> Iterator[PredicateCheck]:
    with PredicateCheck(Parser(), TABLES) as check:
        yield check


@pytest.mark.parametrize("predicate", GOOD)
def test_a_condition_over_known_columns_is_fine(check: PredicateCheck, predicate: str) -> None:
    assert check(ORDERS, predicate) is None


@pytest.mark.parametrize(("predicate", "part"), BAD)
def test_says_what_is_wrong(check: PredicateCheck, predicate: str, part: str) -> None:
    problem = check(ORDERS, predicate)

    assert problem is not None
    assert part in problem


def test_a_type_that_only_the_warehouse_knows_is_left_to_it() -> None:
    odd = Table("main", "t", (Column("a", "MY_TYPE"),), 0, is_view=False)
    with PredicateCheck(Parser(), {ORDERS: odd}) as check:
        assert check(ORDERS, "a = 1") is None


def test_a_filter_over_a_remote_table_may_ask_another_table_of_its_engine() -> None:
    rows, others = TableName("far.main", "rows"), TableName("far.sales", "others")
    tables = {
        rows: Table("far.main", "rows", (Column("k", "BIGINT"),), 0, is_view=False, engine="far"),
        others: Table("far.sales", "others", (Column("k", "BIGINT"),), 0, is_view=False, engine="far"),
    }
    with closing(Parser()) as parser, PredicateCheck(parser, tables) as check:
        fitting = check(rows, "k IN (SELECT k FROM far.sales.others WHERE k > 3)")
        missing = check(rows, "k IN (SELECT k FROM far.sales.gone)")
        wrong = check(rows, "nope = 1")

    assert fitting is None
    assert missing == "table 'far.sales.gone' does not exist"
    assert wrong is not None
    assert "nope" in wrong
