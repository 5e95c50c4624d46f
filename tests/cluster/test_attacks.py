"""No attack gets through over a remote engine, whether it answers or has no faithful form for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.cluster_postgres import Postgres
from tests.cluster.attacked import ENGINES, Attacked, attacked
from tests.security.cases import DATA

FAMILIES = sorted(
    file.stem.removeprefix("attacks_")
    for file in DATA.glob("attacks_*.jsonl")
    if "multi_step" not in file.stem
)
"""All but those of several statements, which a session of the embedded engine would carry."""
VISIBLE = 50
"""Customers in the EU."""


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres) -> Iterator[Attacked]:
    """Both worlds over both engines; says in the end what came of the attacks."""
    with attacked(tmp_path_factory.mktemp("worlds"), postgres_server) as running:
        yield running
        print(*(f"\n{engine}: {dict(counts)}" for engine, counts in running.outcomes.items()))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", FAMILIES)
def test_an_attack_learns_nothing(worlds: Attacked, family: str, engine: str) -> None:
    tried = worlds.cases(f"attacks_{family}.jsonl")
    found = [said for case in tried for said in worlds.verdict(case, engine)]

    assert tried
    assert not found, "\n".join(found)
    assert worlds.visible(engine) == VISIBLE


@pytest.mark.parametrize("engine", ENGINES)
def test_the_published_samples_learn_nothing(worlds: Attacked, engine: str) -> None:
    tried = [case for case in worlds.samples() if case.kind == "attack"]
    found = [said for case in tried for said in worlds.verdict(case, engine)]

    assert len(tried) > 20
    assert not found, "\n".join(found)
    assert worlds.visible(engine) == VISIBLE
