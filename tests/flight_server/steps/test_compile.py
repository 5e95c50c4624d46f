"""What is compiled is remembered, and serves no grant, catalog or session that it was not made for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from flight_server.model import TableName
from flight_server.steps.compile import LONGEST_REMEMBERED, Compiler, Understood
from tests.fixtures.warehouse import ANALYST, CUSTOMERS, FULL, ORDERS, Sees, Warehouse, grant_for, sight

SQL = "SELECT code FROM customers WHERE customer_id = 4"


def plan_for(warehouse: Warehouse, understood: Understood, sees: Sees) -> str:
    grant = grant_for(understood, sees)
    restricted = warehouse.compiler.restrict(understood, grant)
    return warehouse.compiler.print(understood, restricted).sql


def test_a_plan_is_remembered_for_an_equal_grant(own_warehouse: Callable[..., Warehouse]) -> None:
    warehouse = own_warehouse()
    understood = warehouse.understand(SQL)
    grant = grant_for(understood, ANALYST)
    before = warehouse.compiler.known_plan(understood, grant)
    made = plan_for(warehouse, understood, ANALYST)
    again = warehouse.compiler.known_plan(
        warehouse.understand(SQL), grant_for(understood, (CUSTOMERS, ORDERS))
    )

    assert before is None
    assert again is not None
    assert again.sql == made


def test_a_plan_serves_no_other_grant(own_warehouse: Callable[..., Warehouse]) -> None:
    warehouse = own_warehouse()
    understood = warehouse.understand(SQL)
    plan_for(warehouse, understood, ANALYST)
    others: list[Sees] = [
        None,
        (sight("customers"),),
        (sight("customers", "region = 'EU'"),),
        (sight("customers", "region = 'US'", code=FULL),),
        (sight("customers", code=FULL),),
    ]

    assert [warehouse.compiler.known_plan(understood, grant_for(understood, sees)) for sees in others] == [
        None
    ] * 5


def test_every_sight_gets_its_own_rows_when_they_take_turns(own_warehouse: Callable[..., Warehouse]) -> None:
    warehouse = own_warehouse()
    sights: list[Sees] = [None, (sight("customers", "customer_id < 4"),), (sight("customers", code=FULL),)]
    answers = [
        warehouse.rows("SELECT code FROM customers ORDER BY customer_id LIMIT 4", sees=s) for s in sights * 2
    ]

    assert answers[:3] == answers[3:]
    assert [len(rows) for rows in answers[:3]] == [4, 3, 4]
    assert answers[2] == [("***",)] * 4


def test_a_changed_catalog_is_read_anew(own_warehouse: Callable[..., Warehouse]) -> None:
    warehouse = own_warehouse()
    sees = (sight("customers", "customer_id < 3"),)
    before = warehouse.ask("FROM customers", sees=sees).schema.names
    warehouse.ask("ALTER TABLE customers ADD COLUMN extra INTEGER")
    after = warehouse.ask("FROM customers", sees=sees).schema.names

    assert after == [*before, "extra"]


def test_the_key_holds_all_that_names_are_resolved_with(warehouse: Warehouse) -> None:
    snapshot = warehouse.catalog.snapshot()
    own = frozenset({TableName("temp", "orders")})
    keys = {
        warehouse.compiler.understand("FROM orders", "duckdb", snapshot, "main", frozenset()).key,
        warehouse.compiler.understand("FROM orders", "duckdb", snapshot, "finance", frozenset()).key,
        warehouse.compiler.understand("FROM orders", "duckdb", snapshot, "main", own).key,
        warehouse.compiler.understand("FROM orders", "auto", snapshot, "main", frozenset()).key,
    }

    assert len(keys) == 4


def test_very_long_texts_are_not_kept(own_warehouse: Callable[..., Warehouse]) -> None:
    warehouse = own_warehouse()
    warehouse.rows(f"SELECT length('{'x' * LONGEST_REMEMBERED}')")

    assert warehouse.compiler.remembered == 0


def test_nothing_is_kept_without_entries(warehouse: Warehouse) -> None:
    forgetful = Compiler(warehouse.parser, warehouse.sealed, 0)
    understood = forgetful.understand(SQL, "duckdb", warehouse.catalog.snapshot(), "main", frozenset())
    grant = grant_for(understood, ANALYST)
    forgetful.print(understood, forgetful.restrict(understood, grant))

    assert forgetful.known_plan(understood, grant) is None


def test_the_least_used_plans_are_forgotten(warehouse: Warehouse) -> None:
    small = Compiler(warehouse.parser, warehouse.sealed, 2)
    for number in range(5):
        understood = small.understand(
            f"SELECT {number} FROM orders", "duckdb", warehouse.catalog.snapshot(), "main", frozenset()
        )
        small.print(understood, small.restrict(understood, grant_for(understood, ANALYST)))

    assert small.remembered == 2


def test_a_temporary_table_has_not_the_columns_that_it_hides(own_warehouse: Callable[..., Warehouse]) -> None:
    """The dialect would read a text as JSON, or a number as text."""
    warehouse = own_warehouse("""CREATE TABLE t AS SELECT '{"a": 1}'::JSON AS v""")
    sql = "SELECT IFF(v = 'x', 1, 0) AS found FROM t"
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("CREATE TEMP TABLE t AS SELECT 'x' AS v", session=session)
        beside = warehouse.understand(sql, None, "snowflake").statement.text
        hidden = warehouse.understand(sql, session, "snowflake").statement.text
        found = warehouse.rows(hidden, session=session)

    assert beside != hidden
    assert found == [(1,)]
