"""Step 7 for writes: only visible rows change, only visible rows come to be, nothing masked is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from flight_server.engines.duckdb_session import DuckDBSession
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import TableGrant
from tests.fixtures.warehouse import ANALYST, CUSTOMERS, FULL, ORDERS, Sees, Warehouse, sight

TABLES = """
CREATE TABLE regions AS FROM (VALUES ('EU', 'a'), ('US', 'b')) t(name, owner);
CREATE TABLE stock (id INTEGER, region VARCHAR DEFAULT 'EU', amount INTEGER, note VARCHAR DEFAULT 'none');
INSERT INTO stock
    SELECT i, CASE WHEN i % 2 = 0 THEN 'EU' ELSE 'US' END, i * 10, 'n' || i FROM range(1, 7) t(i);
CREATE TABLE people AS FROM (VALUES (2, 'ann', 'SECRET2'), (4, 'bob', 'SECRET4')) t(id, name, pin);
"""
SEES: Sees = (
    sight("stock", "region IN (SELECT name FROM regions WHERE owner = 'a')"),
    sight("people", pin=FULL),
    sight("regions"),
)
HIDDEN = [(1, "US", 10, "n1"), (3, "US", 30, "n3"), (5, "US", 50, "n5")]

Make = Callable[..., Warehouse]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse whose tables every test leaves as they were."""
    with closing(Warehouse(tmp_path_factory.mktemp("shop") / "own.duckdb", TABLES)) as shared:
        yield shared


@pytest.fixture
def trial(shop: Warehouse) -> Iterator[DuckDBSession]:
    """A session in a transaction that is rolled back after the test."""
    with closing(shop.engine.open_session()) as session:
        shop.ask("BEGIN", session=session)
        yield session


def stock(
    warehouse: Warehouse, where: str = "true", session: DuckDBSession | None = None
) -> list[tuple[object, ...]]:
    return warehouse.rows(f"SELECT * FROM stock WHERE {where} ORDER BY id, amount", session=session)


@pytest.mark.parametrize(
    ("sql", "changed", "visible"),
    [
        ("UPDATE stock SET amount = 0", 3, [(2, 0), (4, 0), (6, 0)]),
        ("UPDATE stock SET amount = amount + 1 WHERE id > 2", 2, [(2, 20), (4, 41), (6, 61)]),
        ("UPDATE stock SET amount = id, id = amount WHERE id = 2", 1, [(4, 40), (6, 60), (20, 2)]),
        ("UPDATE stock AS s SET amount = 0 WHERE s.id = 2", 1, [(2, 0), (4, 40), (6, 60)]),
        ("UPDATE main.stock SET amount = 0 WHERE main.stock.id = 2", 1, [(2, 0), (4, 40), (6, 60)]),
        ("UPDATE hatidata.main.stock SET amount = 0 WHERE stock.id = 2", 1, [(2, 0), (4, 40), (6, 60)]),
        ("UPDATE stock SET amount = (SELECT max(amount) FROM stock)", 3, [(2, 60), (4, 60), (6, 60)]),
        (
            "UPDATE stock SET amount = length(p.name) FROM people p WHERE p.id = stock.id",
            2,
            [(2, 3), (4, 3), (6, 60)],
        ),
        (
            "WITH w AS (SELECT 2 AS id) UPDATE stock SET amount = 0 WHERE id IN (FROM w)",
            1,
            [(2, 0), (4, 40), (6, 60)],
        ),
        ("UPDATE stock SET amount = 0 WHERE id = 1", 0, [(2, 20), (4, 40), (6, 60)]),
        ("UPDATE stock SET amount = NULL WHERE region = 'US'", 0, [(2, 20), (4, 40), (6, 60)]),
        ("DELETE FROM stock", 3, []),
        ("DELETE FROM stock WHERE amount > 30", 2, [(2, 20)]),
        ("DELETE FROM stock WHERE id IN (1, 2, 3)", 1, [(4, 40), (6, 60)]),
        ("DELETE FROM stock USING people WHERE people.id = stock.id", 2, [(6, 60)]),
        ("DELETE FROM stock USING people", 3, []),
        ("WITH w AS (SELECT 2 AS id) DELETE FROM stock WHERE id IN (FROM w)", 1, [(4, 40), (6, 60)]),
        ("INSERT INTO stock VALUES (8, 'EU', 80, 'x')", 1, [(2, 20), (4, 40), (6, 60), (8, 80)]),
        ("INSERT INTO stock(id, amount) VALUES (8, 80)", 1, [(2, 20), (4, 40), (6, 60), (8, 80)]),
        (
            "INSERT INTO stock(id, region, amount) VALUES (8, DEFAULT, 80)",
            1,
            [(2, 20), (4, 40), (6, 60), (8, 80)],
        ),
        ("INSERT INTO stock BY NAME SELECT 80 AS amount, 8 AS id", 1, [(2, 20), (4, 40), (6, 60), (8, 80)]),
        (
            "INSERT INTO stock SELECT id + 6, region, amount, note FROM stock WHERE id = 2",
            1,
            [(2, 20), (4, 40), (6, 60), (8, 20)],
        ),
        (
            "INSERT INTO stock(id, amount) WITH w AS (SELECT 8, 80) FROM w",
            1,
            [(2, 20), (4, 40), (6, 60), (8, 80)],
        ),
    ],
)
def test_a_write_changes_visible_rows_only(
    shop: Warehouse, trial: DuckDBSession, sql: str, changed: int, visible: list[tuple[int, int]]
) -> None:
    answer = shop.ask(sql, sees=SEES, session=trial)

    assert (answer.schema.names, answer.to_pydict()) == (["Count"], {"Count": [changed]})
    assert [(row[0], row[2]) for row in stock(shop, "region = 'EU'", trial)] == visible
    assert stock(shop, "region = 'US'", trial) == HIDDEN


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO stock(id, region) VALUES (8, 'US')",
        "INSERT INTO stock(id, region) VALUES (8, 'EU'), (9, 'US')",
        "INSERT INTO stock(id, region) VALUES (8, NULL)",
        "INSERT INTO stock(id, region) SELECT 8, name FROM regions",
        "UPDATE stock SET region = 'US'",
        "UPDATE stock SET region = 'US' WHERE id = 2",
        "UPDATE stock SET region = NULL WHERE id = 2",
    ],
)
def test_a_write_that_would_leave_the_visible_rows_is_undone(shop: Warehouse, sql: str) -> None:
    before = stock(shop)

    with pytest.raises(QueryRefused) as refused:
        shop.ask(sql, sees=SEES)

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert stock(shop) == before


def test_a_refused_write_takes_its_whole_transaction_with_it(own_warehouse: Make) -> None:
    """DuckDB has no savepoints, so a COMMIT after the refusal may keep nothing."""
    warehouse = own_warehouse(TABLES)
    before = stock(warehouse)
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("BEGIN", session=session)
        warehouse.ask("UPDATE stock SET amount = 0", sees=SEES, session=session)
        with pytest.raises(QueryRefused):
            warehouse.ask("INSERT INTO stock(id, region) VALUES (8, 'US')", sees=SEES, session=session)
        with pytest.raises(QueryRefused, match="aborted"):
            warehouse.ask("SELECT 1", session=session)
        with pytest.raises(QueryRefused):
            warehouse.ask("COMMIT", session=session)

        assert stock(warehouse) == before
        assert warehouse.rows("SELECT 1", session=session) == [(1,)]


def test_default_is_the_columns_own_default(shop: Warehouse, trial: DuckDBSession) -> None:
    shop.ask("UPDATE stock SET note = DEFAULT, amount = 1 WHERE id = 2", sees=SEES, session=trial)

    assert stock(shop, "id = 2", trial) == [(2, "EU", 1, "none")]


def test_parameters_of_a_write_are_values(shop: Warehouse, trial: DuckDBSession) -> None:
    shop.ask("UPDATE stock SET note = $2 WHERE id = $1", 2, "' OR 1=1 --", sees=SEES, session=trial)

    assert stock(shop, "note LIKE '%OR%'", trial) == [(2, "EU", 20, "' OR 1=1 --")]


@pytest.mark.parametrize(
    "predicate",
    [
        "CAST(note AS INTEGER) = 1",
        "1 / (amount - 10) > 5",
        "error(note) IS NULL",
        "CAST('x' || id AS INTEGER) = 1",
    ],
)
def test_a_predicate_that_fails_tells_nothing_of_hidden_rows(shop: Warehouse, predicate: str) -> None:
    """The hidden row with amount 10 would divide by zero; no visible one does."""
    try:
        shop.ask(f"DELETE FROM stock WHERE id < 2 AND {predicate}", sees=SEES)
    except QueryRefused as refused:
        told = refused.message
    else:
        told = ""

    assert not any(value in told for value in ("n1", "n3", "US", "x1"))
    assert stock(shop, "region = 'US'") == HIDDEN


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO stock(id, note) SELECT 8, pin FROM people",
        "INSERT INTO stock(id, note) SELECT 8, p.pin FROM people p",
        "INSERT INTO stock(id, note) SELECT 8, x FROM (SELECT pin AS x FROM people)",
        "INSERT INTO stock(id, note) SELECT 8, x FROM people p(i, n, x)",
        "INSERT INTO stock(id, note) SELECT 8, #3 FROM people",
        "INSERT INTO stock(id, note) SELECT 8, COLUMNS('p.n') FROM people",
        "INSERT INTO stock(id, note) SELECT 8, people FROM people",
        "INSERT INTO stock(id, note) SELECT 8, to_json(p) FROM people p",
        "INSERT INTO stock(id, note) SELECT 8, pin.lower() FROM people",
        "INSERT INTO stock(id, note) SELECT 8, people.pin.lower() FROM people",
        "INSERT INTO stock(id, note) SELECT 8, main.people.pin FROM people",
        "INSERT INTO stock(id, note) SELECT 8, (SELECT pin FROM people LIMIT 1)",
        "INSERT INTO stock(id, note) VALUES (8, (SELECT max(pin) FROM people))",
        "INSERT INTO stock(id, note) WITH w AS (SELECT pin FROM people) SELECT 8, 'x' FROM w",
        "INSERT INTO stock(id, note) SELECT 8, v FROM (UNPIVOT people ON pin INTO NAME n VALUE v)",
        "INSERT INTO stock(id, note) SELECT 8, x FROM people PIVOT (count(*) FOR id IN (2)) AS q(n, x, c)",
        "INSERT INTO stock(id, note) SELECT 8, 'x' FROM people WHERE pin = '***'",
        "INSERT INTO stock(id, note) SELECT 8, 'x' FROM people a JOIN people b USING (pin)",
        "INSERT INTO stock(id, note) SELECT 8, 'x' FROM people a NATURAL JOIN people b",
        "INSERT INTO stock(id) SELECT count(*) FROM people GROUP BY pin",
        "INSERT INTO stock(id, note) FROM people",
        "UPDATE stock SET note = p.pin FROM people p WHERE p.id = stock.id",
        "UPDATE stock SET note = (SELECT pin FROM people p WHERE p.id = stock.id)",
        "UPDATE people SET name = pin",
        "UPDATE people SET pin = upper(pin)",
        "DELETE FROM people WHERE pin = '***'",
        "DELETE FROM stock USING people WHERE people.pin = '***'",
        "DELETE FROM stock WHERE note IN (SELECT pin FROM people)",
    ],
)
def test_a_write_may_not_read_a_masked_column(shop: Warehouse, sql: str) -> None:
    before = stock(shop), shop.rows("FROM people ORDER BY id")

    with pytest.raises(QueryRefused) as refused:
        shop.ask(sql, sees=SEES)

    assert refused.value.code in (ErrorCode.POLICY_DENIED, ErrorCode.QUERY_ERROR)
    assert (stock(shop), shop.rows("FROM people ORDER BY id")) == before


def test_a_masked_column_may_be_written_blindly(shop: Warehouse, trial: DuckDBSession) -> None:
    shop.ask("UPDATE people SET pin = 'new' WHERE id = 2", sees=SEES, session=trial)

    assert shop.rows("SELECT id, pin FROM people ORDER BY id", session=trial) == [(2, "new"), (4, "SECRET4")]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO stock(id) VALUES (8) RETURNING *",
        "UPDATE stock SET amount = 1 RETURNING note",
        "DELETE FROM stock RETURNING 1",
        "INSERT INTO stock(id) VALUES (8) ON CONFLICT DO NOTHING",
        "INSERT OR REPLACE INTO stock(id) VALUES (8)",
        "TRUNCATE stock",
        "MERGE INTO stock USING people ON stock.id = people.id WHEN MATCHED THEN DELETE",
        "UPDATE stock SET amount = 1 WHERE rowid = 0",
        "DELETE FROM stock WHERE id IN (SELECT salary FROM salary_data)",
        "DELETE FROM nowhere",
        "INSERT INTO stock(id) SELECT stats(amount)::INTEGER FROM stock",
    ],
)
def test_writes_that_tell_more_than_a_count_are_refused(shop: Warehouse, sql: str) -> None:
    before = stock(shop)

    with pytest.raises(QueryRefused):
        shop.ask(sql, sees=SEES)

    assert stock(shop) == before


def test_a_writer_without_filters_writes_the_raw_table_straight(warehouse: Warehouse) -> None:
    plan = warehouse.plan("UPDATE orders SET total = 1 WHERE order_id = 3", (sight("orders"),))

    assert plan.check is None
    assert "rowid" not in plan.sql


def test_who_sees_only_some_rows_of_a_masked_table_may_still_delete_them(own_warehouse: Make) -> None:
    warehouse = own_warehouse()
    deleted = warehouse.ask("DELETE FROM customers WHERE code = '4'", sees=ANALYST)
    left = warehouse.rows("SELECT count(*), count(*) FILTER (region = 'EU') FROM customers")

    assert deleted.to_pydict() == {"Count": [1]}
    assert left == [(39, 19)]


def test_a_filter_that_depends_on_the_written_table_is_checked_after_the_write(own_warehouse: Make) -> None:
    """Deleting a customer hides orders; what counts is the written table's own visible rows."""
    warehouse = own_warehouse()
    sees: tuple[TableGrant, ...] = (CUSTOMERS, ORDERS)
    warehouse.ask("DELETE FROM customers WHERE code = '4'", sees=sees)

    assert warehouse.rows("SELECT count(*) FROM orders WHERE customer_id = 4", sees=sees) == [(0,)]
