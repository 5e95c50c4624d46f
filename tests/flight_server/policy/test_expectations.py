"""A table of expectations finds the entries that the policies disappoint."""

from __future__ import annotations

import datetime as dt

import pytest

from flight_server.policy.expectations import read_expectations, run
from flight_server.policy.faults import PolicyFaults
from flight_server.policy.workbench import Workbench
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.parser import Parser
from tests.fixtures.policies import CATALOG, LoadPolicies

NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
FILTERS = "- {table: customers, filter: \"region = '{region}'\", exempt_roles: [admin]}"
MASKS = "- {table: customers, column: email, function: partial, exempt_roles: [admin]}"
ACCESS = """\
permit (principal in Role::"admin", action, resource);
permit (principal in Role::"analyst", action == Action::"select", resource == Table::"main.customers")
when { context.hour < 18 };
"""


@pytest.fixture
def workbench(load: LoadPolicies) -> Workbench:
    tables = {
        name: Table(
            name.schema, name.table, tuple(Column(column, "VARCHAR") for column in columns), 0, is_view=False
        )
        for name, columns in CATALOG.items()
    }
    return Workbench(load(access=ACCESS, filters=FILTERS, masks=MASKS), tables, Parser())


HOLD = """\
- {name: a, role: admin, sql: SELECT * FROM customers, expect: allow, rows: [], masked: []}
- {role: analyst, attrs: {region: EU}, sql: SELECT * FROM customers, expect: allow,
   rows: "region = 'EU'", masked: [email]}
- {role: analyst, attrs: {region: EU}, table: customers, action: select, expect: allow,
   masked: customers.email}
- {role: analyst, table: customers, action: select, expect: deny}
- {role: analyst, attrs: {region: EU}, at: {hour: 19}, table: customers, action: select, expect: deny}
- {roles: [analyst, admin], table: finance.ledger, action: drop, expect: allow}
- {role: analyst, sql: SELECT * FROM salary_data, expect: deny}
- {role: analyst, sql: SELECT * FROM no_such_table, expect: deny}
- {role: admin, sql: ATTACH 'x.db', expect: deny}
"""
DISAPPOINTED = [
    (
        "- {role: analyst, sql: SELECT * FROM salary_data, expect: allow}",
        "refused: Agent 'test' is not permitted",
    ),
    ("- {role: admin, table: orders, action: drop, expect: deny}", "allowed"),
    ("- {role: admin, sql: SELECT * FROM customers, expect: allow, masked: [email]}", "masked: nothing"),
    (
        "- {role: analyst, attrs: {region: EU}, sql: SELECT * FROM customers, expect: allow, masked: []}",
        "masked: main.customers.email",
    ),
    ("- {role: admin, sql: SELECT * FROM customers, expect: allow, rows: region = 'EU'}", "rows: all"),
    (
        "- {role: analyst, attrs: {region: US}, sql: SELECT 1 FROM customers, expect: allow, rows: x}",
        "rows: [\"region = 'US'\"]",
    ),
    ("- {role: admin, sql: ATTACH 'x.db', expect: allow}", "refused: "),
]
FAULTY = [
    ("- {role: a, expect: allow}", "either 'sql' or 'table'"),
    ("- {role: a, sql: SELECT 1, table: t, action: select, expect: allow}", "either 'sql' or 'table'"),
    ("- {sql: SELECT 1, expect: allow}", "'role'"),
    ("- {role: a, sql: SELECT 1}", "'expect' is missing"),
    ("- {role: a, sql: SELECT 1, expect: maybe}", "'allow' or 'deny'"),
    ("- {role: a, table: t, action: look, expect: allow}", "'action' is one of"),
    ("- {role: a, sql: SELECT 1, expect: allow, at: {hour: noon}}", "field 'at'"),
    ("- {role: a, sql: SELECT 1, expect: allow, when: now}", "unknown field 'when'"),
    ("- {role: a", "YAML"),
]


def complaints(text: str, workbench: Workbench) -> list[tuple[str, ...]]:
    return [result.complaints for result in run(read_expectations("e.yaml", text, NOW), workbench)]


def test_expectations_that_hold_bring_no_complaint(workbench: Workbench) -> None:
    assert complaints(HOLD, workbench) == [()] * 9


@pytest.mark.parametrize(("text", "part"), DISAPPOINTED)
def test_says_what_came_instead(workbench: Workbench, text: str, part: str) -> None:
    ((complaint,),) = complaints(text, workbench)

    assert part in complaint


@pytest.mark.parametrize(("text", "part"), FAULTY)
def test_names_what_is_wrong_with_the_table_itself(text: str, part: str) -> None:
    with pytest.raises(PolicyFaults, match=r"e\.yaml:1") as found:
        read_expectations("e.yaml", text, NOW)

    assert any(part in fault.message for fault in found.value.faults)
