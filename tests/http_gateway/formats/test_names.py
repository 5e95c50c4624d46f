"""Unique column names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from http_gateway.formats.names import unique_names


def test_the_first_keeps_its_name() -> None:
    assert unique_names(["a", "b", "a", "a"]) == ("a", "b", "a_1", "a_2")


def test_a_made_name_never_takes_one_that_exists() -> None:
    assert unique_names(["a", "a", "a_1"]) == ("a", "a_2", "a_1")


@given(st.lists(st.sampled_from(["a", "b", "a_1", "a_2", "a_1_1", ""])))
def test_names_are_unique_and_unrepeated_ones_stay(names: list[str]) -> None:
    unique = unique_names(names)

    assert len(set(unique)) == len(names)
    assert all(new == old for old, new in zip(names, unique, strict=True) if names.count(old) == 1)
