"""What of the catalog exists for whom."""

from __future__ import annotations

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import MaskFunction
from flight_server.steps.look import look
from flight_server.stores.catalog import CatalogSnapshot, Column, Table
from tests.fixtures.policies import CATALOG, CUSTOMERS, LEDGER, NOON, ORDERS, LoadPolicies, principal

SNAPSHOT = CatalogSnapshot(
    1,
    {
        name: Table(name.schema, name.table, tuple(Column(column, "VARCHAR") for column in columns), 1, False)
        for name, columns in CATALOG.items()
    },
    frozenset({"main", "finance", "empty"}),
)
MASKS = "- {table: customers, column: ssn, function: full, exempt_roles: [admin]}\n"


def test_who_may_do_everything_sees_everything(load: LoadPolicies) -> None:
    sight = look(principal("admin"), load(masks=MASKS), SNAPSHOT, NOON)

    assert sight.complete
    assert set(sight.tables) == set(CATALOG)
    assert sight.schemas == {"main", "finance", "empty"}


def test_others_see_the_tables_that_are_open_to_them(load: LoadPolicies) -> None:
    sight = look(principal("analyst"), load(masks=MASKS), SNAPSHOT, NOON)

    assert not sight.complete
    assert list(sight.tables) == sorted([CUSTOMERS, ORDERS])
    assert LEDGER.schema not in sight.schemas
    assert sight.masked[CUSTOMERS] == {"ssn": MaskFunction.FULL}


def test_who_may_do_nothing_may_not_look(load: LoadPolicies) -> None:
    with pytest.raises(QueryRefused) as told:
        look(principal("nobody"), load(), SNAPSHOT, NOON)

    assert told.value.code is ErrorCode.POLICY_DENIED
