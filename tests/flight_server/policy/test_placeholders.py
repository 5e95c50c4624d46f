"""Placeholders become parameters, and nothing of a filter's other text changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_server.policy.placeholders import BadFilter, rewrite

REWRITTEN = [
    ("region = '{region}'", "region = $region"),
    ("region = {region}", "region = $region"),
    ("region IN ('{a}', {b}, 'c')", "region IN ($a, $b, 'c')"),
    ("note = 'it''s {' AND owner = '{agent_id}'", "note = 'it''s {' AND owner = $agent_id"),
    ("data = '{\"a\": 1}'", "data = '{\"a\": 1}'"),
    ("price = '$5'", "price = '$5'"),
    ('"odd {col" = 1', '"odd {col" = 1'),
    ("a = 'ü€😀' OR (b = {b})", "a = 'ü€😀' OR (b = $b)"),
]
BAD = [
    "a = '{x}%'",
    "a = '%{x}'",
    "a = {{x}}",
    "a = '{{x}}'",
    "a = {x y}",
    "a = {1x}",
    "a = {}",
    "a = {'k': 1}",
    "a = $1",
    "a = ?",
    "a = 'open",
    'a = "open',
    "a = 1 -- {x}",
    "a = /* {x} */ 1",
    "a = E'\\'{x}'",
    "a = 1; b",
    "1=1) OR (1=1",
    '"{x}" = 1',
]


@pytest.mark.parametrize(("text", "expected"), REWRITTEN)
def test_rewrites_placeholders(text: str, expected: str) -> None:
    assert rewrite(text)[0] == expected


@pytest.mark.parametrize("text", BAD)
def test_refuses_what_is_no_placeholder(text: str) -> None:
    with pytest.raises(BadFilter):
        rewrite(text)


def test_names_each_placeholder_once_in_order() -> None:
    assert rewrite("{b} = {a} OR {b} = 1")[1] == ("b", "a")


@given(st.text())
def test_every_text_is_rewritten_or_refused(text: str) -> None:
    try:
        predicate, names = rewrite(text)
    except BadFilter:
        return

    assert predicate.count("$") >= len(names)


@given(st.text(alphabet=st.characters(blacklist_characters="{}", blacklist_categories=["Cs"])))
def test_a_literal_without_braces_is_left_alone(value: str) -> None:
    literal = "'" + value.replace("'", "''") + "'"

    assert rewrite(f"a = {literal}") == (f"a = {literal}", ())
