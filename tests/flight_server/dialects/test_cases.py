"""Every pair in the .sql files, on a real DuckDB, and again through the pipeline without special rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb
import pytest

from flight_server.dialects.kinds import of_duckdb
from flight_server.dialects.scope import Columns
from flight_server.dialects.translate import to_duckdb, translate
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Scalar
from tests.fixtures.warehouse import Warehouse, rows_of, sight
from tests.flight_server.dialects.case_files import Case, all_cases, plain, setup_statements

CASES = all_cases()
ANSWERED = [case for case in CASES if not case.refusal]
TABLES = ("sales", "events", "nums", "words", "target", "trades", "quotes")
EVERYTHING_BUT_RIGHTS = tuple(sight(table) for table in TABLES)


class Tables:
    """The tables of setup.sql in a DuckDB of their own; every statement is undone."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(setup_statements())
        self.columns = {table: self._columns(table) for table in TABLES}

    def known(self, parts: tuple[str, ...]) -> Columns | None:
        return self.columns.get(parts[-1].lower())

    def run(self, sql: str, check: str) -> list[tuple[Any, ...]]:
        self.connection.execute("BEGIN")
        try:
            cursor = self.connection.execute(sql)
            return (self.connection.execute(check) if check else cursor).fetchall()
        finally:
            self.connection.execute("ROLLBACK")

    def _columns(self, table: str) -> Columns:
        described = self.connection.execute(f"DESCRIBE {table}").fetchall()
        return {row[0].lower(): of_duckdb(row[1]) for row in described}


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables()


def comparable(rows: list[tuple[Any, ...]], case: Case) -> list[list[Any]]:
    """The rows as the files write them, in a fixed order unless the statement gives one."""
    written = [[plain(value) for value in row] for row in rows]
    in_order = "order by" in (case.sql + case.check).lower()
    return written if in_order else sorted(written, key=json.dumps)


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.name)
def test_a_snowflake_statement_gives_snowflakes_rows(tables: Tables, case: Case) -> None:
    translated = to_duckdb(case.sql, tables.known)

    rows = tables.run(translated, case.check)

    assert comparable(rows, case) == comparable(list(case.rows), case), translated


@pytest.mark.parametrize("case", [case for case in CASES if case.refusal], ids=lambda case: case.name)
def test_what_has_no_faithful_form_fails_by_name(tables: Tables, case: Case) -> None:
    with pytest.raises((QueryRefused, duckdb.Error)) as failed:
        tables.run(to_duckdb(case.sql, tables.known), case.check)

    assert case.refusal in str(failed.value)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 390
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.name)
def test_a_second_translation_of_the_same_text_is_the_same(tables: Tables, case: Case) -> None:
    assert to_duckdb(case.sql, tables.known) == to_duckdb(case.sql, tables.known)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    path = tmp_path_factory.mktemp("snowflake") / "warehouse.duckdb"
    with closing(Warehouse(path, setup_statements())) as own:
        yield own


READS = [
    case for case in ANSWERED if not case.check and "RANDOM" not in case.sql and "DESCRIBE" not in case.sql
]


@pytest.mark.parametrize("case", READS, ids=lambda case: case.name)
def test_nobody_needs_special_rights_for_what_a_statement_becomes(
    warehouse: Warehouse, tables: Tables, case: Case
) -> None:
    translated = translate(case.sql, "snowflake", warehouse.parser.accepts, tables.known)

    answer = warehouse.ask(of_a_table(warehouse, translated.text), sees=EVERYTHING_BUT_RIGHTS)

    assert sorted(comparable(rows_of(answer), case), key=json.dumps) == sorted(
        comparable(list(case.rows), case), key=json.dumps
    )


def of_a_table(warehouse: Warehouse, sql: str) -> str:
    """The query, joined with a table if it reads none: who may nothing may not even ask for constants."""
    if warehouse.understand(sql).statement.accesses:
        return sql
    return f"SELECT q.* FROM ({sql}) q CROSS JOIN (SELECT n FROM nums LIMIT 1) AS one(x)"


def test_the_pipeline_asks_for_the_dialect_by_itself(warehouse: Warehouse) -> None:
    snowflakes = warehouse.understand("SELECT NVL(rep, v) FROM sales", dialect="auto").statement
    duckdbs = warehouse.understand("SELECT 7 / 2", dialect="auto").statement

    assert snowflakes.translated
    assert "coalesce" in snowflakes.text
    assert not duckdbs.translated
    assert duckdbs.text == "SELECT 7 / 2"


def test_a_text_that_is_no_snowflake_sql_is_a_parse_error(warehouse: Warehouse) -> None:
    with pytest.raises(QueryRefused) as refused:
        warehouse.understand("SELEC 1", dialect="snowflake")

    assert refused.value.code is ErrorCode.QUERY_PARSE_ERROR
    assert refused.value.message.startswith("SQL parse error: ")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT v:a FROM {}",
        "SELECT v FROM {} WHERE v > 3",
        "SELECT v FROM {} WHERE v:a > id",
        "SELECT v::ARRAY, id::OBJECT FROM {}",
        "SELECT TO_CHAR(id, '999'), TO_OBJECT(id) FROM {}",
        "SELECT OBJECT_PICK(PARSE_JSON('{{}}'), v) FROM {}",
        "SELECT id FROM nums WHERE PARSE_JSON('1') IN (SELECT v FROM {})",
        "SELECT f.value FROM {}, LATERAL FLATTEN(v) f",
        "INSERT INTO {} (v) SELECT PARSE_JSON('1')",
        "INSERT INTO {} (id) SELECT PARSE_JSON('1')",
        "UPDATE {} SET v = PARSE_JSON('1'), id = PARSE_JSON('1')",
    ],
)
def test_a_closed_table_answers_like_one_that_is_not_there(warehouse: Warehouse, sql: str) -> None:
    answers = set()
    for table in ("events", "missing"):
        with pytest.raises(QueryRefused) as refused:
            ask_in_snowflake(warehouse, sql.format(table))
        answers.add((refused.value.code, refused.value.message.replace(table, "x")))

    assert {code for code, _ in answers} == {ErrorCode.POLICY_DENIED}
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("condition", "value", "ids"),
    [
        ("v:price > ?", 10, [1, 3]),
        ("v:price > ?", 9.5, [1, 3]),
        ("v:name = $1", "ann", [1]),
        ("v:ok = ?", True, [1]),
        ("NVL(v:addr.city, '-') = ?", "Rome", [2]),
        ("DATEADD(day, ?, v:when::DATE) = '2024-05-07'", 1, [2]),
    ],
)
def test_a_parameter_beside_a_path_has_the_type_of_its_value(
    warehouse: Warehouse, condition: str, value: Scalar, ids: list[int]
) -> None:
    sql = f"SELECT id FROM events WHERE {condition} ORDER BY id"
    statement = warehouse.understand(sql, dialect="auto").statement

    rows = warehouse.rows(statement.text, value, sees=EVERYTHING_BUT_RIGHTS)

    assert [row[0] for row in rows] == ids
    assert statement.parameters == 1


def ask_in_snowflake(warehouse: Warehouse, sql: str) -> None:
    understood = warehouse.understand(sql, dialect="snowflake")
    warehouse.ask(understood.statement.text, sees=(sight("nums"),))
