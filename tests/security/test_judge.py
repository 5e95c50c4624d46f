"""The judge has teeth: without the service its attacks leak, and it says so."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.security.asking import Answer
from tests.security.cases import Case, cases
from tests.security.oracles import SECRET, complaints, differences
from tests.security.worlds import plain_world, sealed_copy

MASK_FAMILIES = ("mask_projection", "mask_expression", "mask_aggregate", "mask_predicate", "rls")


@pytest.mark.parametrize("family", MASK_FAMILIES)
def test_most_attacks_leak_on_an_unprotected_database(family: str, tmp_path: Path) -> None:
    attacks = cases(tmp_path, f"attacks_{family}.jsonl")
    with plain_world("fixture") as raw, plain_world("other") as other:
        leaking = [case for case in attacks if _leaks(raw, other, case)]

    assert len(leaking) > 0.85 * len(attacks)


def test_the_sealed_copy_holds_no_secret() -> None:
    with sealed_copy() as copy:
        everything = str([copy.sql(f"FROM {table}").fetchall() for table in ("customers", "orders")])

    assert not SECRET.findall(everything)


def test_a_token_of_the_query_itself_is_no_leak(tmp_path: Path) -> None:
    case = next(case for case in cases(tmp_path, "attacks_mask_predicate.jsonl") if "S3CR007919" in case.sql)

    assert list(complaints(case, Answer(error="no column S3CR007919", raw="S3CR007919"))) == []
    assert list(complaints(case, Answer(error="S3CR007920", raw="S3CR007920"))) == ["holds 'S3CR007920'"]


def test_a_secret_in_base64_is_a_leak(tmp_path: Path) -> None:
    case = cases(tmp_path, "attacks_mask_projection.jsonl")[0]

    assert list(complaints(case, Answer(error=None, raw="x UzNDUjAwNzkyMA=="))) == ["holds 'S3CR007920'"]


def test_worlds_are_told_apart_by_row_order_alone() -> None:
    one, other = (Answer(None, ("a",), rows, ("int",)) for rows in (((1,), (2,)), ((2,), (1,))))

    assert len(list(differences(one, other))) == 1


def test_every_case_has_its_own_id(tmp_path: Path) -> None:
    ids = [case.id for case in cases(tmp_path, "*.jsonl")]

    assert len(ids) == len(set(ids)) > 1_300


def _leaks(raw: duckdb.DuckDBPyConnection, other: duckdb.DuckDBPyConnection, case: Case) -> bool:
    one, two = _outcome(raw, case), _outcome(other, case)
    return one != two or bool(SECRET.search(one))


def _outcome(connection: duckdb.DuckDBPyConnection, case: Case) -> str:
    try:
        return str(connection.execute(case.sql, list(case.params) or None).fetchall())
    except duckdb.Error as error:
        return str(error)
