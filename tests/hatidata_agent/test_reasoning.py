"""Chains of queries: what the client knows of the steps, the audit log knows by the same ids."""

from __future__ import annotations

import json

import pytest

from hatidata_agent import HatiDataAgent, QueryError
from hatidata_agent.calls import Call
from tests.fixtures.service import Service, hati


def test_every_step_is_in_the_audit_log_under_its_id(service: Service, agent: HatiDataAgent) -> None:
    with agent.reasoning_chain() as chain:
        orders = chain.query("SELECT count(*) AS n FROM orders", step="look")
        chain.query("SELECT $1 * 2 AS twice", [orders[0]["n"]])
        with pytest.raises(QueryError):
            chain.query("SELECT nothing_of_that_name", step="fails")

    lines = hati("audit", "tail", "-n", "50", "--no-follow", "--json", home=service.home).stdout.splitlines()
    logged = {json.loads(line)["query_id"] for line in lines}
    assert [step.name for step in chain.steps] == ["look", "step 2"]
    assert {step.query_id for step in chain.steps} <= logged
    assert chain.steps[0].rows == 1


def test_steps_are_one_trace_and_those_of_a_part_belong_to_the_whole(agent: HatiDataAgent) -> None:
    whole = agent.reasoning_chain()
    part = agent.reasoning_chain(parent_request_id=whole.request_id)
    named = agent.reasoning_chain("not a trace id")
    seen = [chain._traceparent().split("-") for chain in (whole, whole, part, named)]

    assert [trace for _, trace, _, _ in seen[:3]] == [whole.request_id] * 3
    assert len({span for _, _, span, _ in seen}) == 4
    assert seen[3][1] == agent.reasoning_chain("not a trace id")._traceparent().split("-")[1]


def test_a_call_tells_its_trace(agent: HatiDataAgent) -> None:
    call = Call()
    agent.stoppable_by(call).traced_as("00-" + "a" * 32 + "-" + "b" * 16 + "-01").query("SELECT 1")

    assert call.headers() == {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
