"""What `hati status` says of a service that works."""

from __future__ import annotations

import json

from hatidata_agent.service.vitals import read_vitals, told
from tests.fixtures.service import Service, hati


def test_a_repeated_query_is_seen_in_the_caches(service: Service) -> None:
    before = read_vitals(service.endpoints.metrics)
    with service.agent() as agent:
        for _ in range(3):
            agent.query("SELECT count(*) AS orders_for_vitals FROM orders")
    after = read_vitals(service.endpoints.metrics)

    assert before is not None
    assert after is not None
    assert after.compiled.hits >= before.compiled.hits + 2
    assert after.results.hits >= before.results.hits + 2
    assert after.results.entries > 0
    assert set(told(after)) == {"queries", "keys", "plans", "results"}


def test_status_tells_it_to_people_and_programs(service: Service) -> None:
    shown = hati("status", home=service.home)
    told_json = json.loads(hati("status", "--json", home=service.home).stdout)

    assert "plans" in shown.stdout
    assert " hits of " in shown.stdout
    assert told_json["vitals"]["compiled"]["entries"] >= 0


def test_where_nothing_answers_nothing_is_told() -> None:
    assert read_vitals("http://127.0.0.1:1/metrics") is None
