"""What a role is allowed to ask works, with exactly the rows that it may see."""

from __future__ import annotations

import zlib

import pytest

from tests.security.asking import PATHS, WITHOUT_DIALECT, Question
from tests.security.cases import Case, cases
from tests.security.judge import Judge
from tests.security.test_attacks import EVERY_PATH


@pytest.mark.parametrize("path", PATHS)
def test_gives_a_permitted_query_exactly_its_rows(judge: Judge, path: str) -> None:
    found = [said for case in _benign(judge) if _asked_by(path, case) for said in judge.verdict(case, path)]

    assert not found, "\n".join(found)


def test_a_cache_warmed_by_an_admin_changes_nothing_for_an_analyst(judge: Judge) -> None:
    found = []
    for case in (*_benign(judge), *cases(judge.tmp, "attacks_mask_predicate.jsonl", "attacks_rls.jsonl")):
        if not case.writes and case.role == "analyst":
            for world in ("fixture", "other"):
                judge.asker(world, "admin", "flight").ask(Question(case.sql, case.params, case.dialect))
            found += judge.verdict(case, "flight")

    assert not found, "\n".join(found)


def _asked_by(path: str, case: Case) -> bool:
    """Every case goes by Flight and by a third of the other paths, or by all when all are asked for."""
    if case.dialect != "auto" and path in WITHOUT_DIALECT:
        return False
    turn = zlib.crc32(case.id.encode()) + list(PATHS).index(path)
    return path == "flight" or EVERY_PATH or turn % 3 == 0


def _benign(judge: Judge) -> list[Case]:
    return [case for case in cases(judge.tmp, "benign*.jsonl", "samples.jsonl") if case.kind == "benign"]
