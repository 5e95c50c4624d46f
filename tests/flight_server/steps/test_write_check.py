"""What a write leaves behind is held to the row filters row by row: no count can balance it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

import pyarrow as pa
import pytest

from flight_server.engines.engine import Load
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import TableGrant
from flight_server.semantic.names import MEMORY
from flight_server.watcher import Call
from tests.fixtures.warehouse import Sees, Warehouse, sight
from tests.fixtures.warehouse_semantic import SemanticWarehouse

TABLES = """
CREATE TABLE bids (id INTEGER, owner VARCHAR, amount INTEGER, tags VARCHAR[]);
INSERT INTO bids VALUES (1, 'me', 10, ['a']), (2, 'me', 20, ['b']);
INSERT INTO bids VALUES (3, 'other', 30, NULL), (4, 'me', 40, NULL);
CREATE TABLE keyed (id INTEGER PRIMARY KEY, owner VARCHAR, amount INTEGER);
INSERT INTO keyed SELECT id, owner, amount FROM bids;
CREATE TABLE members (name VARCHAR, team VARCHAR);
INSERT INTO members VALUES ('me', 'red'), ('mate', 'red'), ('other', 'blue');
"""
BELOW_AVERAGE = "amount <= (SELECT avg(amount) FROM {table})"
TWO_LOWEST = "id IN (SELECT id FROM {table} ORDER BY amount, id LIMIT 2)"
Make = Callable[..., Warehouse]


def balanced(table: str, rule: str = BELOW_AVERAGE) -> Sees:
    """A filter that looks at its own table, so that a write can make another row visible in exchange."""
    return (sight(table, rule.format(table=table)), sight("members"))


@pytest.mark.parametrize("table", ["bids", "keyed"])
@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        # 10 and 20 are visible: 20 goes above the average, which lets 30 in
        (BELOW_AVERAGE, "UPDATE {t} SET amount = 90 WHERE id = 2"),
        (BELOW_AVERAGE, "UPDATE {t} SET amount = CASE id WHEN 1 THEN 21 ELSE 95 END"),
        (BELOW_AVERAGE, "UPDATE {t} SET amount = m.n FROM (SELECT 90 AS n) m WHERE id = 2"),
        (BELOW_AVERAGE, "WITH w AS (SELECT 2 AS x) UPDATE {t} SET amount = 90 WHERE id = (FROM w)"),
        # the two lowest are visible, and always two
        (TWO_LOWEST, "UPDATE {t} SET amount = 99 WHERE id = 1"),
        (TWO_LOWEST, "UPDATE {t} SET amount = amount + 25"),
        # the new row is hidden, but one that was hidden is seen because of it
        (BELOW_AVERAGE, "INSERT INTO {t}(id, owner, amount) VALUES (9, 'me', 60)"),
        (BELOW_AVERAGE, "INSERT INTO {t}(id, owner, amount) SELECT 9, 'me', max(amount) * 3 FROM {t}"),
    ],
)
def test_a_row_that_becomes_visible_does_not_pay_for_one_that_goes(
    own_warehouse: Make, table: str, rule: str, sql: str
) -> None:
    warehouse = own_warehouse(TABLES)
    before = warehouse.rows(f"FROM {table} ORDER BY id")
    visible = warehouse.rows(f"SELECT count(*) FROM {table}", sees=balanced(table, rule))

    with pytest.raises(QueryRefused) as refused:
        warehouse.ask(sql.format(t=table), sees=balanced(table, rule))

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert warehouse.rows(f"FROM {table} ORDER BY id") == before
    assert visible == [(2,)]


@pytest.mark.parametrize("table", ["bids", "keyed"])
@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("UPDATE {t} SET amount = amount - 1", 2),
        ("UPDATE {t} SET amount = 0, id = id + 100 WHERE id = 1", 1),
        ("DELETE FROM {t} WHERE id = 1", 1),
        ("DELETE FROM {t}", 2),
        ("INSERT INTO {t}(id, owner, amount) VALUES (9, 'me', 1), (10, 'me', 2)", 2),
    ],
)
def test_a_write_whose_rows_stay_visible_may_change_what_else_is_seen(
    own_warehouse: Make, table: str, sql: str, changed: int
) -> None:
    """Deleting a low bid lowers the average and hides another row: nothing that was written is hidden."""
    warehouse = own_warehouse(TABLES)

    answer = warehouse.ask(sql.format(t=table), sees=balanced(table))

    assert answer.to_pydict() == {"Count": [changed]}


def test_rows_that_an_update_moves_are_held_too(own_warehouse: Make) -> None:
    """DuckDB deletes and appends a row whose list or key changes, under another identity."""
    warehouse = own_warehouse(TABLES)
    sees = (sight("bids", "len(tags) = 1 AND id > 0"),)
    kept = warehouse.ask("UPDATE bids SET tags = ['c'] WHERE id = 1", sees=sees)

    with pytest.raises(QueryRefused, match="outside"):
        warehouse.ask("UPDATE bids SET tags = ['c', 'd'] WHERE id = 1", sees=sees)
    assert kept.to_pydict() == {"Count": [1]}
    assert warehouse.rows("SELECT id, tags FROM bids WHERE id < 3 ORDER BY id") == [(1, ["c"]), (2, ["b"])]


def test_several_writes_of_one_transaction_are_each_held(own_warehouse: Make) -> None:
    warehouse = own_warehouse(TABLES)
    sees = (sight("bids", "owner = 'me' AND amount < 50"),)
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("BEGIN", session=session)
        for sql in (
            "INSERT INTO bids(id, owner, amount) VALUES (7, 'me', 1)",
            "UPDATE bids SET tags = ['x'] WHERE id IN (1, 7)",
            "UPDATE bids SET amount = amount + 5 WHERE id IN (1, 7)",
            "DELETE FROM bids WHERE id = 2",
            "INSERT INTO bids(id, owner, amount) SELECT id + 10, owner, amount FROM bids WHERE id IN (1, 7)",
        ):
            warehouse.ask(sql, sees=sees, session=session)
        with pytest.raises(QueryRefused, match="outside"):
            warehouse.ask("UPDATE bids SET amount = 50 WHERE id = 17", sees=sees, session=session)
        warehouse.ask("ROLLBACK", session=session)

        assert warehouse.rows("SELECT id FROM bids ORDER BY id", session=session) == [(1,), (2,), (3,), (4,)]


def test_a_filter_on_another_table_is_asked_as_it_is_after_the_write(own_warehouse: Make) -> None:
    warehouse = own_warehouse(TABLES)
    team = "owner IN (SELECT name FROM members WHERE team = 'red')"
    warehouse.ask("UPDATE bids SET owner = 'mate' WHERE id = 1", sees=(sight("bids", team),))

    with pytest.raises(QueryRefused, match="outside"):
        warehouse.ask("UPDATE bids SET owner = 'other' WHERE id = 1", sees=(sight("bids", team),))
    assert warehouse.rows("SELECT owner FROM bids WHERE id = 1") == [("mate",)]


def test_an_unknown_answer_of_a_filter_hides_the_row(own_warehouse: Make) -> None:
    warehouse = own_warehouse(TABLES)

    with pytest.raises(QueryRefused, match="outside"):
        warehouse.ask("UPDATE bids SET owner = NULL WHERE id = 1", sees=(sight("bids", "owner <> 'other'"),))
    assert warehouse.rows("SELECT count(*) FROM bids WHERE owner IS NULL") == [(0,)]


def test_each_of_many_rows_of_values_is_held(own_warehouse: Make) -> None:
    warehouse = own_warehouse(TABLES)
    plan = warehouse.plan("UPDATE bids SET amount = $1 WHERE id = $2", (sight("bids", "amount < 50"),))
    version = warehouse.catalog.snapshot().version
    with closing(warehouse.engine.open_session()) as session:

        def change(*amounts: int) -> int | None:
            rows = pa.table({"amount": amounts, "id": [1, 2]})
            call = Call(time.monotonic() + 20)
            return session.change_many(plan, "", rows, call, version).rows_affected

        with pytest.raises(QueryRefused, match="outside"):
            change(5, 90)
        after_refusal = warehouse.rows("SELECT amount FROM bids ORDER BY id LIMIT 2")
        changed = change(5, 6)

    assert after_refusal == [(10,), (20,)]
    assert changed == 2
    assert warehouse.rows("SELECT amount FROM bids ORDER BY id LIMIT 2") == [(5,), (6,)]


def test_a_load_is_held_row_by_row(own_warehouse: Make) -> None:
    warehouse = own_warehouse(TABLES)
    plan = warehouse.plan("INSERT INTO bids(id, owner, amount) VALUES (1, '', 1)", balanced("bids"))
    rows = pa.table({"id": [9], "owner": ["me"], "amount": [60]}).to_reader()
    load = Load("main", "bids", "no")
    with closing(warehouse.engine.open_session()) as session, pytest.raises(QueryRefused, match="outside"):
        session.load(plan, load, rows, Call(time.monotonic() + 20))

    assert warehouse.rows("SELECT count(*) FROM bids") == [(4,)]


def test_a_memory_is_held_to_the_filter_of_its_table(remembering: SemanticWarehouse) -> None:
    newest_hidden = sight(str(MEMORY), "content <> (SELECT max(content) FROM _hatidata_agent_memory)")
    remembering.rows("SELECT store_memory('a')")
    sees: tuple[TableGrant, ...] = (newest_hidden,)

    with pytest.raises(QueryRefused, match="outside"):
        remembering.rows("SELECT store_memory('b')", sees=sees)
    assert remembering.rows("SELECT content FROM _hatidata_agent_memory") == [("a",)]


def test_nothing_is_left_in_the_session(own_warehouse: Make) -> None:
    warehouse = own_warehouse(TABLES)
    sees = (sight("bids", "amount < 50"),)
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("BEGIN", session=session)
        for _ in range(2):
            warehouse.ask("UPDATE bids SET amount = 1 WHERE id = $1", 1, sees=sees, session=session)
        warehouse.ask("COMMIT", session=session)

        assert session.temporary == frozenset()
    assert warehouse.rows("SELECT amount FROM bids WHERE id = 1") == [(1,)]
