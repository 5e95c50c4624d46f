"""The memory methods against a whole service."""

from __future__ import annotations

import pytest

from hatidata_agent import HatiDataAgent, InvalidRequestError, PolicyDeniedError
from tests.fixtures.service import Service


def test_a_memory_is_found_by_its_meaning(agent: HatiDataAgent) -> None:
    stored = agent.store_memory("the deploy failed for lack of disk space", "episode", {"n": 1}, 0.9)
    agent.store_memory("lunch is at noon")

    found = agent.search_memory("why did the deploy fail?", top_k=1)

    assert [(memory["memory_id"], memory["metadata"]) for memory in found] == [(stored, {"n": 1})]
    assert 0.3 < found[0]["relevance"] <= 1


def test_memories_are_searched_by_kind_and_importance(agent: HatiDataAgent) -> None:
    agent.store_memory("only for kinds", "kind-of-test", importance=0.2)

    assert len(agent.search_memory("kinds", memory_type="kind-of-test")) == 1
    assert agent.search_memory("kinds", memory_type="kind-of-test", min_importance=0.5) == []


def test_a_memory_is_forgotten_once(agent: HatiDataAgent) -> None:
    stored = agent.store_memory("to be forgotten")

    assert agent.delete_memory(stored)
    assert not agent.delete_memory(stored)
    assert not agent.delete_memory("no such id")


def test_a_value_is_kept_for_each_agent_by_itself(service: Service, agent: HatiDataAgent) -> None:
    agent.set_state("sdk", {"step": 1})
    agent.set_state("sdk", ["step", 2])
    with service.agent(agent_id="another") as another:
        another.set_state("sdk", "mine")

        assert another.get_state("sdk") == "mine"
    assert agent.get_state("sdk") == ["step", 2]
    assert agent.get_state("never set") is None


def test_another_agents_memories_are_not_found(service: Service, agent: HatiDataAgent) -> None:
    stored = agent.store_memory("the first agent was here", "agents")
    with service.agent(agent_id="second") as second:
        assert second.search_memory("agent", memory_type="agents") == []
        assert not second.delete_memory(stored)


def test_the_rows_nearest_to_a_text_are_the_context(agent: HatiDataAgent) -> None:
    agent.execute(
        "CREATE OR REPLACE TABLE sdk_docs AS SELECT * FROM (VALUES (1, 'cats'), (2, 'taxes')) t(i, t)"
    )

    rows = agent.get_context("sdk_docs", "income tax", top_k=1)

    assert [row["i"] for row in rows] == [2]


def test_the_rows_nearest_to_a_vector_are_the_context(agent: HatiDataAgent) -> None:
    agent.execute(
        "CREATE OR REPLACE TABLE sdk_vectors AS SELECT 1 AS i, [1, 0]::FLOAT[2] AS v UNION ALL "
        "SELECT 2, [0, 1]::FLOAT[2]"
    )

    rows = agent.get_rag_context("main.sdk_vectors", "v", [0.1, 0.9], top_k=2)

    assert [row["i"] for row in rows] == [2, 1]


@pytest.mark.parametrize("top_k", [0, -1, 10**9])
def test_an_absurd_number_of_rows_is_refused(agent: HatiDataAgent, top_k: int) -> None:
    with pytest.raises(InvalidRequestError):
        agent.search_memory("a", top_k=top_k)


def test_who_may_only_read_stores_nothing(service: Service) -> None:
    with (
        service.agent(api_key=service.key("--role", "analyst")) as analyst,
        pytest.raises(PolicyDeniedError),
    ):
        analyst.store_memory("nothing")
