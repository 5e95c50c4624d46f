"""JOIN_VECTOR is an inner join, and nothing else of that name is touched."""

from __future__ import annotations

import pytest

from flight_server.dialects.vector_joins import inner_joins

ON = " ON semantic_match(a.t, b.t)"


def refused(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (f"SELECT * FROM a JOIN_VECTOR b{ON}", f"SELECT * FROM a INNER JOIN b{ON}"),
        (f'SELECT * FROM a join_vector "b"{ON}', f'SELECT * FROM a INNER JOIN "b"{ON}'),
        (
            f"SELECT * FROM a JOIN_VECTOR (SELECT 1) AS b{ON}",
            f"SELECT * FROM a INNER JOIN (SELECT 1) AS b{ON}",
        ),
        (
            "SELECT 'JOIN_VECTOR b' FROM a JOIN_VECTOR b -- JOIN_VECTOR c",
            "SELECT 'JOIN_VECTOR b' FROM a INNER JOIN b -- JOIN_VECTOR c",
        ),
        ('SELECT "join_vector x" FROM a', 'SELECT "join_vector x" FROM a'),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_the_word_becomes_an_inner_join_outside_of_texts(sql: str, text: str) -> None:
    assert inner_joins(sql, refused) == text


def test_a_text_that_is_sql_as_it_stands_is_left_alone() -> None:
    sql = "SELECT join_vector AS b FROM t"

    assert inner_joins(sql, lambda _: True) == sql
