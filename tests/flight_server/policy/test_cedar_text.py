"""Statements of a Cedar file are told apart as Cedar does, with their lines."""

from __future__ import annotations

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_server.policy.cedar_text import statements

PIECES = st.sampled_from(
    [
        "permit (principal, action, resource);",
        '@id("a;b")\nforbid (principal, action, resource);',
        '// a comment; with a semicolon "and a quote\n',
        'permit (principal, action, resource) when { principal.framework == "x\\";//" };',
        "\n\n",
        "  ",
        "forbid(principal,action,resource)// why\nwhen { context.hour > 8 } ;",
    ]
)


@given(st.lists(PIECES))
def test_finds_as_many_statements_as_cedar(pieces: list[str]) -> None:
    text = "".join(pieces)

    assert len(list(statements(text))) == len(cedarpy.PolicySet.from_str(text))


@given(st.lists(PIECES))
def test_the_lines_are_those_of_the_first_words(pieces: list[str]) -> None:
    text = "".join(pieces)
    lines = text.split("\n")

    for statement in statements(text):
        assert statement.text.split("\n")[0] in lines[statement.line - 1]


@pytest.mark.parametrize("text", ["", "// only a comment", "// one\n  // two\n\n"])
def test_a_text_without_statements_has_none(text: str) -> None:
    assert list(statements(text)) == []


def test_what_follows_the_last_semicolon_is_a_statement() -> None:
    assert [one.text for one in statements("permit;\nforbid")] == ["permit;", "forbid"]
