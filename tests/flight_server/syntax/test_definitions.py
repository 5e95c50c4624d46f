"""Definitions: which table they touch, and the text that the engine gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action, Kind, Statement
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.definitions import read_definition
from flight_server.syntax.parser import Parser

SNAPSHOT = CatalogSnapshot(1, {}, frozenset({"main", "finance"}))


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with closing(Parser()) as shared:
        yield shared


def read(parser: Parser, sql: str) -> Statement:
    return read_definition(sql, parser.kinds(sql)[0], parser, SNAPSHOT, "main")


@pytest.mark.parametrize(
    ("sql", "accesses"),
    [
        ("CREATE TABLE t (i INTEGER)", ["create main.t"]),
        ("CREATE TABLE IF NOT EXISTS finance.T (i INTEGER)", ["create finance.t"]),
        (
            "CREATE TABLE t AS SELECT * FROM u JOIN hatidata.finance.v ON true",
            ["create main.t", "select main.u", "select finance.v"],
        ),
        ("CREATE OR REPLACE TABLE t AS FROM u", ["create main.t", "drop main.t", "select main.u"]),
        ("CREATE TABLE t AS WITH c AS (FROM u) FROM c", ["create main.t", "select main.u"]),
        ("CREATE VIEW v AS SELECT * FROM u", ["create main.v", "select main.u"]),
        ("DROP TABLE t", ["drop main.t"]),
        ("DROP TABLE finance.u CASCADE", ["drop finance.u"]),
        ("DROP VIEW IF EXISTS finance.v", ["drop finance.v"]),
        ("ALTER TABLE t ADD COLUMN j INTEGER", ["alter main.t"]),
        ("ALTER TABLE finance.t RENAME TO u", ["alter finance.t", "create finance.u"]),
        ("ALTER TABLE t RENAME COLUMN i TO j", ["alter main.t"]),
        ("ALTER VIEW v RENAME TO w", ["alter main.v", "create main.w"]),
        ("COMMENT ON TABLE t IS 'why'", ["alter main.t"]),
    ],
)
def test_a_definition_says_what_it_does_to_which_table(parser: Parser, sql: str, accesses: list[str]) -> None:
    statement = read(parser, sql)

    assert [f"{action} {name}" for action, name in statement.accesses] == accesses
    assert statement.kind is Kind.DEFINE
    assert not statement.administrative


def test_a_merge_needs_every_right_on_its_target(parser: Parser) -> None:
    statement = read(parser, "MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN DELETE")
    actions = {action for action, name in statement.accesses if str(name) == "main.t"}

    assert {Action.INSERT, Action.UPDATE, Action.DELETE} <= actions
    assert "main.u" in {str(name) for _, name in statement.accesses}


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE SCHEMA s",
        "DROP SCHEMA s CASCADE",
        "CREATE SEQUENCE s",
        "CREATE TYPE mood AS ENUM ('ok')",
        "CREATE MACRO m(a) AS a + 1",
        "CREATE TABLE memory.main.t (i INTEGER)",
        "CREATE SECRET s (TYPE s3)",
        "COPY t TO 'x.csv'",
        "VACUUM",
        "CHECKPOINT",
    ],
)
def test_what_touches_more_than_tables_is_for_administrators(parser: Parser, sql: str) -> None:
    assert read(parser, sql).administrative


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH ':memory:' AS m",
        "DETACH m",
        "INSTALL httpfs",
        "LOAD json",
        "PRAGMA threads = 1",
        "PRAGMA table_info('t')",
        "SET threads = 1",
        "SET VARIABLE x = 1",
        "SET schema = 'finance'",
        "SET search_path = 'finance'",
        "RESET threads",
        "CALL pragma_version()",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "EXPORT DATABASE 'x'",
        "CONNECT 'x.db'",
        "UPDATE EXTENSIONS",
    ],
)
def test_nobody_may_send_these(parser: Parser, sql: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        read(parser, sql)

    assert refused.value.code is ErrorCode.POLICY_DENIED


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("BEGIN", "BEGIN TRANSACTION"),
        ("begin transaction read only", "BEGIN TRANSACTION"),
        ("START TRANSACTION", "BEGIN TRANSACTION"),
        ("/* tool */ COMMIT -- now", "COMMIT"),
        ("END", "COMMIT"),
        ("ROLLBACK", "ROLLBACK"),
        ("ABORT", "ROLLBACK"),
        ("USE finance", "finance"),
        ('USE "Finance"', "finance"),
        ("USE hatidata", "main"),
        ("USE hatidata.finance", "finance"),
        ("-- c\nUSE main;", "main"),
    ],
)
def test_control_statements_get_a_text_of_ours(parser: Parser, sql: str, text: str) -> None:
    statement = read(parser, sql)

    assert statement.text == text
    assert statement.kind is Kind.CONTROL


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("DROP TABLE hatidata.main.t", "DROP TABLE main.t"),
        ('DROP TABLE "HatiData".main.t', "DROP TABLE main.t"),
        (
            "CREATE TABLE t AS SELECT 'hatidata.main.t' AS hatidata",
            "CREATE TABLE t AS SELECT 'hatidata.main.t' AS hatidata",
        ),
        (
            "CREATE VIEW v AS SELECT 'é' AS a, hatidata.main.t.i FROM t",
            "CREATE VIEW v AS SELECT 'é' AS a, main.t.i FROM t",
        ),
        ("DROP TABLE myhatidata.t", "DROP TABLE myhatidata.t"),
    ],
)
def test_the_public_catalogs_name_is_taken_out_of_names_only(parser: Parser, sql: str, text: str) -> None:
    assert read(parser, sql).text == text
