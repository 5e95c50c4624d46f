"""The secured table: rows filtered behind the fence, values bound as literals, masks above."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import BoundFilter, Mask, MaskFunction, TableGrant, TableName
from flight_server.syntax.parser import Parser
from flight_server.syntax.secure import FENCE, check_predicate
from tests.fixtures.warehouse import FULL, HASH, KEYED, NULL, PARTIAL, Warehouse, sight

VALUES = """
CREATE TABLE texts AS FROM (VALUES (1, 'abcdefgh'), (2, 'abcd'), (3, ''), (4, NULL), (5, '日本語テキスト'),
    (6, 'Ω🦆é'), (7, ''' OR 1=1 --')) t(id, v);
CREATE TABLE numbers AS SELECT i AS id, (i * 1234.5)::DECIMAL(18, 3) AS v FROM range(3) t(i)
    UNION ALL SELECT 9, NULL;
CREATE TABLE days AS FROM (VALUES (1, DATE '2024-02-29'), (2, NULL)) t(id, v);
CREATE TABLE stamps AS FROM (VALUES (1, TIMESTAMP '2024-02-29 01:02:03.000004')) t(id, v);
CREATE TABLE blobs AS FROM (VALUES (1, 'ab\\x00\\xFF'::BLOB)) t(id, v);
CREATE TABLE lists AS FROM (VALUES (1, [1, NULL, 3])) t(id, v);
CREATE TABLE flags AS FROM (VALUES (1, true), (2, NULL)) t(id, v);
CREATE TABLE uuids AS FROM (VALUES (1, '508a3bda-217d-4883-a259-d7e1a558454b'::UUID)) t(id, v);
CREATE TABLE enums AS FROM (VALUES (1, 'open'::ENUM('open', 'paid'))) t(id, v);
CREATE TABLE owners AS FROM
    (VALUES ('a', 1), (''' OR 1=1 --', 2), ('$owner', 3), ('{owner}', 4), ('é', 5)) t(owner, n);
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with closing(Warehouse(tmp_path_factory.mktemp("secure") / "own.duckdb", VALUES)) as own:
        yield own


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def keyed(text: str) -> str:
    return hmac.new(b"pepper", text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("mask", [None, FULL, PARTIAL, HASH])
def test_filtered_rows_are_behind_the_fence_and_every_column_behind_try(
    warehouse: Warehouse, mask: Mask | None
) -> None:
    """Either hides rows from most queries by itself, so that only this notices when one is missing."""
    sees = (sight("texts", "id > 2", **({"v": mask} if mask else {})),)
    for query in ("SELECT id, v FROM texts", "SELECT max(v), max(id) FROM texts"):
        text = warehouse.plan(query, sees).sql
        outside, inside = text.split(f"(SELECT * FROM {warehouse.engine.catalog}.main.texts ")

        assert inside.startswith(f"WHERE (id > 2) LIMIT {FENCE}) AS f")
        columns = outside.split("FROM (SELECT ")[-1]
        unguarded = re.sub(r"TRY\((id|v)\)|AS \w+", "", columns)
        assert re.findall(r"\b(id|v)\b", unguarded) == []
        assert "TRY(v)" in outside


MASKS = [FULL, PARTIAL, Mask(MaskFunction.PARTIAL, 0), Mask(MaskFunction.PARTIAL, 2), HASH, KEYED, NULL]
TABLES: dict[str, dict[int, str | None]] = {
    "texts": {1: "abcdefgh", 2: "abcd", 3: "", 4: None, 5: "日本語テキスト", 6: "Ω🦆é", 7: "' OR 1=1 --"},
    "numbers": {0: "0.000", 1: "1234.500", 2: "2469.000", 9: None},
    "days": {1: "2024-02-29", 2: None},
    "stamps": {1: "2024-02-29 01:02:03.000004"},
    "blobs": {1: "ab\\x00\\xFF"},
    "lists": {1: "[1, NULL, 3]"},
    "flags": {1: "true", 2: None},
    "uuids": {1: "508a3bda-217d-4883-a259-d7e1a558454b"},
    "enums": {1: "open"},
}


def by_definition(text: str | None, mask: Mask) -> str | None:
    """Return what the contract says that *mask* makes of a value whose text is *text*."""
    if text is None or mask.function is MaskFunction.NULL:
        return None
    if mask.function is MaskFunction.FULL:
        return "***"
    if mask.function is MaskFunction.HASH:
        return keyed(text) if mask.key else sha(text)
    tail = text[-mask.visible_chars :] if mask.visible_chars and len(text) > mask.visible_chars else ""
    return "***" + tail


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "mask", MASKS, ids=lambda mask: f"{mask.function}-{mask.visible_chars}-{bool(mask.key)}"
)
@pytest.mark.parametrize("filters", [(), ("id >= 0",)], ids=["all rows", "filtered"])
def test_early_and_late_masks_are_the_one_definition(
    warehouse: Warehouse, table: str, mask: Mask, filters: tuple[str, ...]
) -> None:
    """The same column through a flat query, masked on arrays, and through one that is not, masked in SQL."""
    sees = (sight(table, *filters, v=mask),)
    flat, derived = f"SELECT id, v FROM {table}", f"SELECT id, v FROM (SELECT id, v FROM {table}) ORDER BY id"
    expected = {key: by_definition(text, mask) for key, text in TABLES[table].items()}

    assert warehouse.plan(flat, sees).late == ((1, mask),)
    assert warehouse.plan(derived, sees).late == (((1, mask),) if mask is NULL else ())
    assert dict(warehouse.rows(flat, sees=sees)) == expected
    assert dict(warehouse.rows(derived, sees=sees)) == expected


def test_a_masked_column_is_text_in_the_result_and_says_how_it_is_masked(warehouse: Warehouse) -> None:
    for mask in MASKS:
        schema = warehouse.ask("SELECT v AS w FROM numbers", sees=(sight("numbers", v=mask),)).schema

        assert str(schema.field("w").type) == "string"
        assert schema.field("w").metadata == {b"hatidata.masked": mask.function.value.encode()}


def test_a_null_mask_keeps_the_type_inside_of_the_query(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "SELECT sum(v), count(v), max(v + 1) FROM numbers", sees=(sight("numbers", v=NULL),)
    ) == [(None, 0, None)]


def owners_for(value: str) -> TableGrant:
    return TableGrant(
        TableName("main", "owners"),
        (BoundFilter("owner = $owner", (("owner", value),), "row_filters.yaml:1"),),
    )


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("a", [1]),
        ("' OR 1=1 --", [2]),
        ("$owner", [3]),
        ("{owner}", [4]),
        ("é", [5]),
        ("", []),
        ("a' --", []),
        ("x') OR (true", []),
        ('"owner"', []),
        ("\\", []),
    ],
)
def test_the_value_of_a_placeholder_is_a_literal_whatever_it_holds(
    warehouse: Warehouse, value: str, seen: list[int]
) -> None:
    assert warehouse.rows("SELECT n FROM owners ORDER BY n", sees=(owners_for(value),)) == [
        (n,) for n in seen
    ]


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_no_value_of_a_placeholder_shows_more_than_its_own_rows(warehouse: Warehouse, value: str) -> None:
    seen = warehouse.rows("SELECT owner FROM owners", sees=(owners_for(value),))

    assert all(row == (value,) for row in seen)


@pytest.mark.parametrize("values", [(), (("other", "a"),), (("owner", "a\0b"),)])
def test_a_placeholder_without_a_value_that_sql_can_hold_denies(
    warehouse: Warehouse, values: tuple[tuple[str, str], ...]
) -> None:
    rule = BoundFilter("owner = $owner", values, "row_filters.yaml:1")

    with pytest.raises(QueryRefused) as refused:
        warehouse.ask("SELECT n FROM owners", sees=(TableGrant(TableName("main", "owners"), (rule,)),))

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert "row_filters" not in refused.value.message


def test_several_filters_must_all_hold(warehouse: Warehouse) -> None:
    sees = (sight("owners", "n > 1 OR n > 100", "n < 4", "length(owner) > 6"),)

    assert warehouse.rows("SELECT n FROM owners", sees=sees) == [(2,)]


def test_a_filter_that_is_null_hides_the_row(warehouse: Warehouse) -> None:
    assert warehouse.rows("SELECT id FROM days", sees=(sight("days", "v > DATE '2000-01-01'"),)) == [(1,)]


def test_a_filter_may_read_other_tables_that_its_principal_may_not(warehouse: Warehouse) -> None:
    sees = (sight("owners", "n IN (SELECT id FROM texts WHERE v = 'abcd' OR length(v) = 0)"),)

    assert warehouse.rows("SELECT n FROM owners ORDER BY n", sees=sees) == [(2,), (3,)]


def test_a_filter_that_reads_its_own_table_reads_all_of_it(warehouse: Warehouse) -> None:
    sees = (sight("owners", "n = (SELECT max(n) FROM owners)"),)

    assert warehouse.rows("SELECT n FROM owners", sees=sees) == [(5,)]


def test_names_inside_of_a_filter_are_the_warehouses_whatever_the_query_calls_so(
    warehouse: Warehouse,
) -> None:
    sees = (sight("owners", "n IN (SELECT id FROM texts WHERE id = 1)"),)
    query = "WITH texts AS (SELECT 5 AS id) SELECT n FROM owners, texts"

    assert warehouse.rows(query, sees=sees) == [(1,)]


def test_a_typed_value_is_compared_in_the_columns_type(warehouse: Warehouse) -> None:
    rule = BoundFilter("v >= $since", (("since", "2024-01-01"),), "row_filters.yaml:1")
    sees = (TableGrant(TableName("main", "days"), (rule,)),)

    assert warehouse.rows("SELECT v FROM days", sees=sees) == [(dt.date(2024, 2, 29),)]


@pytest.mark.parametrize(
    "predicate",
    [
        "owner =",
        "true GROUP BY 1",
        "true ORDER BY 1",
        "true LIMIT 1",
        "true; DROP TABLE owners",
        "true UNION SELECT 1",
        "n IN (SELECT a FROM read_csv('x'))",
        "n IN (SELECT count(*) FROM (DESCRIBE owners))",
        "n IN (WITH c AS (DELETE FROM owners RETURNING n) FROM c)",
    ],
)
def test_what_is_not_one_predicate_is_a_fault_of_the_file(predicate: str) -> None:
    with closing(Parser()) as parser:
        assert check_predicate(parser, TableName("main", "owners"), predicate) is not None


@pytest.mark.parametrize("predicate", ["owner = $agent_id", "n IN (SELECT id FROM texts) -- why", "true"])
def test_a_predicate_is_no_fault(predicate: str) -> None:
    with closing(Parser()) as parser:
        assert check_predicate(parser, TableName("main", "owners"), predicate) is None
