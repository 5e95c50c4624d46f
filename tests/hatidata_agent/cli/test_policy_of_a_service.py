"""`hati policy` beside a running service: what is checked is what is in force after a reload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hatidata_agent import HatiDataAgent
from tests.fixtures.service import Service, hati

QUESTION = "SELECT name, phone FROM customers ORDER BY customer_id LIMIT 1"
OPEN = "[]\n"
MASKED = "- {table: customers, column: phone, function: full, exempt_roles: [admin]}\n"


@pytest.fixture
def running(start_service: Callable[..., Service]) -> Service:
    return start_service(demo=True)


def phone(agent: HatiDataAgent) -> object:
    return agent.query(QUESTION)[0]["phone"]


def masks_of(service: Service) -> Path:
    return service.home / "policies" / "masks.yaml"


def test_a_reload_takes_effect_at_once_even_on_remembered_queries(running: Service) -> None:
    masks_of(running).write_text(OPEN)
    first = hati("policy", "reload", home=running.home)
    with running.agent(api_key=running.key("--role", "analyst")) as analyst:
        before = [phone(analyst), phone(analyst)]
        masks_of(running).write_text(MASKED)
        second = hati("policy", "reload", home=running.home)
        after = phone(analyst)

    assert (first.returncode, second.returncode) == (0, 0)
    assert before[0] == before[1] != "***"
    assert after == "***"


def test_a_faulty_set_leaves_the_old_one_in_force(running: Service) -> None:
    masks_of(running).write_text(MASKED)
    hati("policy", "reload", home=running.home)
    masks_of(running).write_text("- {table: customers, column: phon, function: full}\n")

    done = hati("policy", "reload", home=running.home)

    with running.agent(api_key=running.key("--role", "analyst")) as analyst:
        assert phone(analyst) == "***"
    assert done.returncode == 1
    assert "masks.yaml:1: table 'main.customers' has no column 'phon'; did you mean 'phone'?" in done.stdout
    assert "still in force" in done.stdout


def test_the_tables_of_a_running_service_are_known(running: Service) -> None:
    with running.agent() as admin:
        admin.query("CREATE TABLE made_just_now (a INTEGER)")

    done = hati("policy", "explain", "--role", "analyst", "SELECT a FROM made_just_now", home=running.home)

    assert done.returncode == 0
    assert "select on main.made_just_now: allowed" in done.stdout
