"""What views are defined over is expected beneath them, at any depth."""

from __future__ import annotations

from flight_server.model import TableName
from flight_server.stores.catalog import CatalogSnapshot, Table
from flight_server.syntax.views import with_beneath


def name(text: str) -> TableName:
    schema, _, table = text.rpartition(".")
    return TableName(schema or "main", table)


def view(text: str, definition: str) -> tuple[TableName, Table]:
    key = name(text)
    return key, Table(key.schema, key.table, (), 0, True, definition)


CATALOG = CatalogSnapshot(
    1,
    dict(
        [
            view(
                "below", "CREATE VIEW below AS SELECT * FROM customers WHERE id IN (SELECT id FROM orders);"
            ),
            view("above", "CREATE VIEW above AS WITH c AS (FROM main.below) SELECT * FROM c;"),
            view("finance.totals", "CREATE VIEW finance.totals AS SELECT * FROM ledger;"),
            view("broken", "CREATE VIEW broken AS SELEC ("),
            view("loop", "CREATE VIEW loop AS FROM loop;"),
        ]
    ),
    frozenset({"main", "finance"}),
)


def beneath(text: str) -> set[str]:
    return {str(found) for found in with_beneath([name(text)], CATALOG)}


def test_a_table_has_nothing_beneath() -> None:
    assert beneath("customers") == {"main.customers"}


def test_the_tables_of_a_view_are_found_through_other_views() -> None:
    assert beneath("above") >= {"main.above", "main.below", "main.customers", "main.orders"}


def test_names_in_a_view_are_looked_for_in_its_own_schema() -> None:
    assert "finance.ledger" in beneath("finance.totals")


def test_a_definition_that_cannot_be_read_promises_nothing() -> None:
    assert beneath("broken") == {"main.broken"}


def test_a_view_over_itself_ends() -> None:
    assert beneath("loop") == {"main.loop"}
