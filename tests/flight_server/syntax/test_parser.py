"""The parser reads and prints SQL as DuckDB does, for many threads at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.syntax.parser import Parser, only_statement, write_body


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    shared = Parser()
    yield shared
    shared.close()


WRITES = [
    "INSERT INTO t VALUES (1, 'a;b') RETURNING *",
    "INSERT INTO t BY NAME SELECT 1 AS a",
    "INSERT OR REPLACE INTO t SELECT 1",
    "INSERT INTO t(a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = excluded.a",
    "INSERT INTO t DEFAULT VALUES",
    "UPDATE t SET a = 1, b = DEFAULT WHERE c > 2",
    "UPDATE t AS x SET a = y.b FROM y WHERE x.id = y.id",
    "DELETE FROM t",
    "DELETE FROM t USING u WHERE t.id = u.id",
    "WITH c AS (SELECT 1 AS i) DELETE FROM t WHERE i IN (SELECT i FROM c)",
    "WITH c AS (SELECT 1 AS i) INSERT INTO t SELECT * FROM c",
]


@pytest.mark.parametrize("sql", WRITES)
def test_a_printed_write_means_what_was_read(parser: Parser, sql: str) -> None:
    tree = json.loads(parser.parse_write(sql))
    printed = parser.print_write(tree)

    assert _bare(json.loads(parser.parse_write(printed))) == _bare(tree)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)) SELECT 1; DROP TABLE t; --",
        "DELETE FROM t) SELECT 2 --",
        "DELETE FROM t), x AS (SELECT 1",
        "DELETE FROM t /*",
    ],
)
def test_a_write_cannot_break_out_of_the_text_around_it(parser: Parser, sql: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        write_body(json.loads(parser.parse_write(sql)))

    assert refused.value.code in (ErrorCode.QUERY_PARSE_ERROR, ErrorCode.INVALID_REQUEST)


def test_a_comment_at_the_end_of_a_write_ends_with_its_line(parser: Parser) -> None:
    body = write_body(json.loads(parser.parse_write("DELETE FROM t -- the end")))

    assert body["type"] == "DELETE_QUERY_NODE"


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("SELECT 1", ["SELECT"]),
        ("SELECT 1; DELETE FROM t", ["SELECT", "DELETE"]),
        ("", []),
        ("CONNECT 'x'", ["UNKNOWN"]),
        ("UPDATE EXTENSIONS", ["UNKNOWN"]),
    ],
)
def test_every_statement_has_a_kind(parser: Parser, sql: str, kinds: list[str]) -> None:
    assert parser.kinds(sql) == kinds


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT (", "SELECT 'open", "SELECT 1 FROM FROM"])
def test_what_is_not_sql_is_refused_with_the_parsers_own_words(parser: Parser, sql: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        parser.kinds(sql)

    assert refused.value.code is ErrorCode.QUERY_PARSE_ERROR
    assert refused.value.message.startswith("SQL parse error: ")
    assert "LINE 1" not in refused.value.message


def test_ten_thousand_parentheses_are_refused_and_crash_nothing(parser: Parser) -> None:
    with pytest.raises(QueryRefused) as refused:
        parser.parse_read("SELECT " + "(" * 10_000 + "1" + ")" * 10_000)

    assert refused.value.code is ErrorCode.QUERY_PARSE_ERROR


def test_several_statements_are_no_single_one(parser: Parser) -> None:
    with pytest.raises(QueryRefused) as refused:
        only_statement(json.loads(parser.parse_read("SELECT 1; SELECT 2")))

    assert refused.value.code is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(
    ("sql", "bare"),
    [
        ("SELECT 'a -- b' /* c */, x::INT -- d", "SELECT 'a -- b'  , x::INT  "),
        ("/* é /* nested */ */ BEGIN", "  BEGIN"),
        ('SELECT "/* no */"', 'SELECT "/* no */"'),
        ("SELECT $$ -- no $$", "SELECT $$ -- no $$"),
        ("", ""),
    ],
)
def test_comments_go_and_strings_stay(parser: Parser, sql: str, bare: str) -> None:
    assert parser.without_comments(sql).split() == bare.split()


def test_the_first_word_is_behind_the_comments(parser: Parser) -> None:
    assert parser.first_word("-- a\n/* b */ Truncate t") == "truncate"


def test_many_threads_share_one_parser(parser: Parser) -> None:
    def read(number: int) -> str:
        return parser.print_read(json.loads(parser.parse_read(f"SELECT {number}")))

    with ThreadPoolExecutor(8) as threads:
        printed = list(threads.map(read, range(200)))

    assert printed == [f"SELECT {number}" for number in range(200)]


def _bare(node: object) -> object:
    """Return a tree without the places in the text."""
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if not key.startswith("query_location")}
    return [_bare(child) for child in node] if isinstance(node, list) else node
