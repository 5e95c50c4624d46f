"""Inside transactions, too, what a restricted principal leaves unqualified is nothing of the warehouse."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from flight_server.errors import QueryRefused
from tests.fixtures.warehouse import FULL, Warehouse, sight

OWNED = """
CREATE SEQUENCE numbers START 100;
CREATE MACRO today_label() AS 'made today';
CREATE MACRO upper(x) AS 'the owner said so';
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE notes (
    id INTEGER DEFAULT nextval('numbers'), owner VARCHAR DEFAULT 'me', body VARCHAR DEFAULT today_label(),
    felt mood DEFAULT 'glad', size INTEGER GENERATED ALWAYS AS (length(owner)), CHECK (owner <> 'nobody'));
INSERT INTO notes (owner, body) VALUES ('me', 'x'), ('other', 'y');
CREATE VIEW seen AS SELECT id, owner, today_label() AS label FROM notes;
"""
NOTES = sight("notes", "owner = 'me'", body=FULL)
Make = Callable[..., Warehouse]


@pytest.mark.parametrize("begins_restricted", [True, False])
def test_a_macro_of_the_warehouse_shadows_no_function(own_warehouse: Make, begins_restricted: bool) -> None:
    warehouse = own_warehouse(OWNED)
    sql = "SELECT upper(owner) FROM notes"
    with closing(warehouse.engine.open_session()) as session:
        if begins_restricted:
            warehouse.rows("UPDATE notes SET owner = 'me'", sees=(NOTES,), session=session)
        warehouse.ask("BEGIN", session=session)
        inside = warehouse.rows(sql, sees=(NOTES,), session=session)
        by_owner = warehouse.rows(f"{sql} LIMIT 1", session=session)

    assert inside == warehouse.rows(sql, sees=(NOTES,)) == [("ME",)]
    assert by_owner == [("the owner said so",)]


def test_defaults_checks_and_generated_columns_find_what_they_name(own_warehouse: Make) -> None:
    warehouse = own_warehouse(OWNED)
    with closing(warehouse.engine.open_session()) as session:
        for sql in (
            "INSERT INTO notes (owner) VALUES ('me')",
            "INSERT INTO notes (owner, felt, body) VALUES ('me', 'sad', 'z')",
            "UPDATE notes SET felt = 'sad', body = DEFAULT, id = DEFAULT WHERE id = 100",
        ):
            warehouse.ask(sql, sees=(NOTES,), session=session)
        with pytest.raises(QueryRefused, match="a constraint of the table is violated"):
            warehouse.ask("UPDATE notes SET owner = 'nobody'", sees=(NOTES,), session=session)

    assert warehouse.rows("SELECT id, owner, body, felt, size FROM notes ORDER BY id") == [
        (101, "other", "y", "glad", 5),
        (102, "me", "made today", "glad", 2),
        (103, "me", "z", "sad", 2),
        (104, "me", "made today", "sad", 2),
    ]


def test_a_view_reads_what_its_owner_meant(own_warehouse: Make) -> None:
    warehouse = own_warehouse(OWNED)
    sees = (sight("seen", "owner = 'me'"), NOTES)
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("UPDATE notes SET owner = 'me'", sees=sees, session=session)
        warehouse.ask("BEGIN", session=session)

        assert warehouse.rows("SELECT label FROM seen", sees=sees, session=session) == [("made today",)]


def test_who_may_do_everything_again_finds_the_warehouse_again(own_warehouse: Make) -> None:
    """Policies may be reloaded while a session is open."""
    warehouse = own_warehouse(OWNED)
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("UPDATE notes SET felt = 'sad'", sees=(NOTES,), session=session)
        warehouse.ask("CREATE TABLE more AS SELECT today_label() AS label FROM notes", session=session)
        warehouse.ask("CREATE TEMP TABLE mine AS SELECT 1 AS a", session=session)

        assert warehouse.rows("SELECT label FROM more LIMIT 1", session=session) == [("made today",)]
        assert warehouse.rows("SELECT a FROM mine", session=session) == [(1,)]


def test_a_refused_write_leaves_the_session_usable(own_warehouse: Make) -> None:
    warehouse = own_warehouse(OWNED)
    with closing(warehouse.engine.open_session()) as session:
        warehouse.ask("BEGIN", session=session)
        with pytest.raises(QueryRefused, match="outside"):
            warehouse.ask("UPDATE notes SET owner = 'other'", sees=(NOTES,), session=session)
        with pytest.raises(QueryRefused, match="aborted"):
            warehouse.ask("SELECT 1", session=session)
        warehouse.ask("ROLLBACK", session=session)

        assert warehouse.rows("SELECT count(*) FROM notes", session=session) == [(2,)]
