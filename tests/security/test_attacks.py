"""No attack gets through, on any path."""

from __future__ import annotations

import os
import zlib

import pytest

from tests.security.asking import PATHS, SESSION_PATHS
from tests.security.cases import DATA, Case, cases
from tests.security.judge import Judge

FAMILIES = sorted(file.stem.removeprefix("attacks_") for file in DATA.glob("attacks_*.jsonl"))
EVERY_PATH = os.environ.get("SECURITY_SUITE") == "full"
"""Set SECURITY_SUITE=full to ask every query by every path; else each goes by Flight and one other."""
OTHER_PATHS = tuple(path for path in PATHS if path != "flight")


@pytest.mark.parametrize("family", FAMILIES)
def test_an_attack_learns_nothing_over_flight(judge: Judge, family: str) -> None:
    found = [said for case in _attacks(judge, family) for said in judge.verdict(case, "flight")]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_attack_learns_nothing_by_the_other_paths(judge: Judge, family: str) -> None:
    found = [
        said
        for case in _attacks(judge, family)
        for path in _paths(case)
        for said in judge.verdict(case, path)
    ]

    assert not found, "\n".join(found)


def _attacks(judge: Judge, family: str) -> list[Case]:
    own = cases(judge.tmp, f"attacks_{family}.jsonl")
    samples = [case for case in cases(judge.tmp, "samples.jsonl") if case.family == family]
    return [*own, *samples]


def _paths(case: Case) -> tuple[str, ...]:
    """The paths besides Flight: all of them, or one that depends on the id alone."""
    possible = tuple(path for path in OTHER_PATHS if path in SESSION_PATHS) if case.setup else OTHER_PATHS
    chosen = zlib.crc32(case.id.encode()) % len(possible)
    return possible if EVERY_PATH else possible[chosen : chosen + 1]
