"""TPC-H through the whole pipeline gives the same rows on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from bench.cluster_sail import TABLES
from flight_server.syntax.parser import Parser
from tests.cluster.governed import Governed, located, same
from tests.cluster.tpch import NUMBERS, query

REMOTE = ("cluster.main", "pg.main")


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    """DuckDB's parser, to say in which catalog a query's tables are."""
    with closing(Parser()) as reader:
        yield reader


@pytest.mark.parametrize("catalog", REMOTE)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_query_gives_an_admin_the_rows_of_the_embedded_engine(
    governed: Governed, parser: Parser, number: int, catalog: str
) -> None:
    here = governed.ask("admin", located(query(number), "main", TABLES, parser))
    there = governed.ask("admin", located(query(number), catalog, TABLES, parser))

    assert same(here, there)


@pytest.mark.parametrize("catalog", REMOTE)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_query_gives_an_analyst_the_same_filtered_and_masked_rows(
    governed: Governed, parser: Parser, number: int, catalog: str
) -> None:
    here, kept = governed.answer("analyst", located(query(number), "main", TABLES, parser))
    there, sent = governed.answer("analyst", located(query(number), catalog, TABLES, parser))

    assert same(here, there)
    assert kept["masked_columns"] == sent["masked_columns"]
    assert [name.rpartition(".")[2] for name in kept["row_filters"]] == [
        name.rpartition(".")[2] for name in sent["row_filters"]
    ]
