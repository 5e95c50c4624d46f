"""What is offered at the cursor, from the tables of a real service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from hatidata_agent.cli.prompt.vocabulary import SqlCompleter, Vocabulary
from tests.fixtures.service import Service


@pytest.fixture(scope="module")
def completer(service: Service) -> Iterator[SqlCompleter]:
    """Completes what an analyst of the demo data may see."""
    with service.agent(api_key=service.key("--role", "analyst")) as agent:
        vocabulary = Vocabulary(agent)
        vocabulary.refresh()
        yield SqlCompleter(vocabulary, (".tables", ".help"))


def offered(completer: SqlCompleter, before: str, after: str = "") -> list[str]:
    document = Document(before + after, len(before))
    return [one.text for one in completer.get_completions(document, CompleteEvent())]


def test_words_keep_the_case_that_was_begun(completer: SqlCompleter) -> None:
    assert offered(completer, "SEL")[0] == "SELECT"
    assert offered(completer, "sel")[0] == "select"


def test_tables_that_are_closed_are_not_offered(completer: SqlCompleter) -> None:
    assert "sales" in offered(completer, "SELECT * FROM sa")
    assert "salary_data" not in offered(completer, "SELECT * FROM sa")


def test_columns_follow_the_tables_of_the_statement(completer: SqlCompleter) -> None:
    assert "order_id" in offered(completer, "SELECT ord", " FROM orders")
    assert "order_id" not in offered(completer, "SELECT ord", " FROM customers")


@pytest.mark.parametrize("before", ["SELECT orders.order_", "SELECT * FROM orders AS o WHERE o.order_"])
def test_after_a_dot_come_the_columns_of_that_table(completer: SqlCompleter, before: str) -> None:
    rest = " FROM orders" if "FROM" not in before else ""

    assert "order_id" in offered(completer, before, rest)


def test_commands_are_offered_where_a_line_begins(completer: SqlCompleter) -> None:
    assert offered(completer, ".t") == [".tables"]
