"""`hati policy`, on the demo home and without a service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.service import hati


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("policy") / "hati"
    assert hati("init", "--demo", "--no-start", home=home).returncode == 0
    return home


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    home = tmp_path / "hati"
    hati("init", "--no-start", home=home)
    (home / "policies" / "masks.yaml").write_text("- {table: nope, column: x, function: full}\n- 3\n")
    return home


def test_the_starting_policies_are_usable(home: Path) -> None:
    done = hati("policy", "check", home=home)

    assert done.returncode == 0
    assert "4 access rules, 1 row filters, 3 masks" in done.stdout


def test_the_policies_of_an_empty_home_are_usable(tmp_path: Path) -> None:
    hati("init", "--no-start", home=tmp_path / "hati")

    assert hati("policy", "check", home=tmp_path / "hati").returncode == 0


def test_check_names_every_fault(faulty: Path) -> None:
    done = hati("policy", "check", home=faulty)

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "masks.yaml:1: table 'nope' does not exist",
        "masks.yaml:2: a mapping of fields is expected here",
    ]


def test_check_asks_for_a_home_with_policies(tmp_path: Path) -> None:
    done = hati("policy", "check", home=tmp_path)

    assert done.returncode == 78
    assert "hati init" in done.stderr


def test_explain_names_rules_filters_and_masks(home: Path) -> None:
    done = hati("policy", "explain", "--role", "analyst", "SELECT phone FROM customers, orders", home=home)

    assert done.returncode == 0
    assert "permit analyst-reads (access.cedar:" in done.stdout
    assert "rows of main.orders: status <> 'cancelled' (row_filters.yaml:" in done.stdout
    assert "column main.customers.phone: full (masks.yaml:" in done.stdout


def test_explain_says_what_the_caller_would_read(home: Path) -> None:
    done = hati(
        "policy", "explain", "--role", "analyst", "--agent", "bot", "SELECT * FROM salary_data", home=home
    )

    assert done.returncode == 4
    assert "Agent 'bot' is not permitted to access table 'salary_data'" in done.stdout
    assert "forbid salaries-are-closed" in done.stdout


def test_explain_needs_sql_that_can_be_parsed(home: Path) -> None:
    done = hati("policy", "explain", "--role", "analyst", "SELCT 1", home=home)

    assert done.returncode == 1
    assert "[QUERY_PARSE_ERROR]" in done.stderr


def test_explain_shows_the_faults_of_faulty_policies(faulty: Path) -> None:
    done = hati("policy", "explain", "--role", "analyst", "SELECT 1", home=faulty)

    assert done.returncode == 1
    assert "masks.yaml:1" in done.stderr


def test_expectations_that_hold_end_well(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "e.yaml"
    table.write_text("- {name: phones, role: analyst, sql: SELECT * FROM customers, expect: allow}\n")

    done = hati("policy", "test", str(table), home=home)

    assert (done.returncode, done.stdout) == (0, "ok     phones\n1 of 1 expectations hold\n")


def test_an_expectation_that_fails_is_named_with_its_line(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "e.yaml"
    table.write_text("# first\n- {name: pay, role: analyst, sql: SELECT * FROM salary_data, expect: allow}\n")

    done = hati("policy", "test", str(table), home=home)

    assert done.returncode == 1
    assert "FAILED pay\n       e.yaml:2: refused: " in done.stdout


def test_a_table_of_expectations_that_is_not_understood_is_a_usage_error(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "e.yaml"
    table.write_text("- {role: analyst, expect: allow}\n")

    done = hati("policy", "test", str(table), home=home)

    assert done.returncode == 2
    assert "e.yaml:1" in done.stderr


def test_reload_needs_a_running_service(home: Path) -> None:
    done = hati("policy", "reload", home=home)

    assert done.returncode == 3
    assert "no service is running" in done.stderr


def test_programs_get_the_same_as_json(home: Path, faulty: Path, tmp_path: Path) -> None:
    table = tmp_path / "e.yaml"
    table.write_text("- {name: pay, role: analyst, sql: SELECT * FROM salary_data, expect: allow}\n")
    checked, found = (
        json.loads(hati("policy", "check", "--json", home=one).stdout) for one in (home, faulty)
    )
    explain = ("policy", "explain", "--json", "--role", "analyst", "SELECT phone FROM customers")
    explained = json.loads(hati(*explain, home=home).stdout)
    tested = hati("policy", "test", "--json", str(table), home=home)

    assert (checked["usable"], checked["masks"]) == (True, 3)
    assert (found["usable"], len(found["faults"])) == (False, 2)
    assert (explained["allowed"], "main.customers.phone" in explained["masked"]) == (True, True)
    assert (tested.returncode, json.loads(tested.stdout)["name"]) == (1, "pay")
