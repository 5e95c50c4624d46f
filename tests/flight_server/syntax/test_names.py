"""Names are compared as DuckDB compares them, and every written name finds its table."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_server.model import TableName
from flight_server.syntax.names import fold, parse_name, quote, resolve

SCHEMAS = frozenset({"main", "finance"})
ORDERS = TableName("main", "orders")


@pytest.mark.parametrize(
    ("path", "table"),
    [
        (["orders"], ORDERS),
        (["ORDERS"], ORDERS),
        (["main", "orders"], ORDERS),
        (["HatiData", "Main", "Orders"], ORDERS),
        (["hatidata", "orders"], ORDERS),
        (["finance", "ledger"], TableName("finance", "ledger")),
        (["nowhere", "orders"], TableName("nowhere", "orders")),
        (["memory", "main", "orders"], None),
        (["sealed_1234", "main", "orders"], None),
    ],
)
def test_a_written_name_finds_its_table(path: list[str], table: TableName | None) -> None:
    assert resolve(path, SCHEMAS, "main") == table


@pytest.mark.parametrize(
    ("path", "table"),
    [
        (["far", "main", "T"], TableName("far.main", "t")),
        (["FAR", "sales", "t"], TableName("far.sales", "t")),
        (["far", "t"], TableName("far.main", "t")),
        (["far", "nowhere", "t"], None),
        (["near", "t"], TableName("near", "t")),
    ],
)
def test_a_table_of_a_remote_engine_has_the_engine_in_its_schema(
    path: list[str], table: TableName | None
) -> None:
    assert resolve(path, {"main", "near", "far.main", "far.sales", "near.main"}, "main") == table


def test_an_unqualified_name_is_looked_for_in_the_current_schema() -> None:
    assert resolve(["ledger"], SCHEMAS, "finance") == TableName("finance", "ledger")


def test_a_schema_called_like_the_catalog_wins_over_the_catalog() -> None:
    with_twin = SCHEMAS | {"hatidata"}

    assert resolve(["hatidata", "orders"], with_twin, "main") == TableName("hatidata", "orders")


@pytest.mark.parametrize("name", ["É", "\u212aelvin", "İ", "ẞ", "Ω"])
def test_letters_outside_of_ascii_are_not_folded(name: str) -> None:
    assert fold(name) == name


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@given(NAMES)
def test_two_names_are_one_exactly_where_duckdb_says_so(name: str) -> None:
    for other in (name.lower(), name.upper()):
        try:
            duckdb.execute(f"SELECT {quote(other)} FROM (SELECT 1 AS {quote(name)})")
            is_same = True
        except duckdb.Error:
            is_same = False

        assert (fold(other) == fold(name)) == is_same


@given(NAMES)
def test_a_quoted_name_is_read_back_as_it_was(name: str) -> None:
    described = duckdb.execute(f"SELECT 1 AS {quote(name)}").description

    assert [column[0] for column in described or ()] == [name]


@pytest.mark.parametrize(
    ("text", "table"),
    [("orders", ORDERS), ("Main.Orders", ORDERS), ("finance.ledger", TableName("finance", "ledger"))],
)
def test_a_policy_names_tables_with_or_without_a_schema(text: str, table: TableName) -> None:
    assert parse_name(text) == table
