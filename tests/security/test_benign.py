"""What a role is allowed to ask works, with exactly the rows that it may see."""

from __future__ import annotations

import zlib

import pytest

from tests.security.asking import PATHS, WITHOUT_DIALECT, Question
from tests.security.cases import DATA, Case, cases
from tests.security.judge import Judge
from tests.security.test_attacks import EVERY_PATH

FILES = (*sorted(file.name for file in DATA.glob("benign*.jsonl")), "samples.jsonl")
WARMED = (*FILES, "attacks_mask_predicate.jsonl", "attacks_rls.jsonl")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("path", PATHS)
def test_gives_a_permitted_query_exactly_its_rows(judge: Judge, path: str, file: str) -> None:
    benign = [case for case in cases(judge.tmp, file) if case.kind == "benign" and _asked_by(path, case)]
    found = [said for case in benign for said in judge.verdict(case, path)]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("file", WARMED)
def test_a_cache_warmed_by_an_admin_changes_nothing_for_an_analyst(judge: Judge, file: str) -> None:
    found = []
    for case in cases(judge.tmp, file):
        if file == "samples.jsonl" and case.kind != "benign":
            continue  # what an admin would change by it
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
