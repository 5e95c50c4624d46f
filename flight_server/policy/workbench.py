"""The policies of a home, opened for those who write them, without a running service.

What `hati policy check`, `explain` and `test` share: the files, the tables they
speak of, and a parser that finds the tables of a query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flight_server.model import Action, Principal, TableName
from flight_server.policy.catalog_file import tables_of
from flight_server.policy.explain import Explanation, explain
from flight_server.policy.load import load_policies
from flight_server.policy.model import Policies, RequestContext
from flight_server.policy.predicates import PredicateCheck
from flight_server.stores.catalog import CatalogSnapshot, Table
from flight_server.syntax.names import DEFAULT_SCHEMA
from flight_server.syntax.parser import Parser

Access = tuple[Action, TableName]


@dataclass(frozen=True, slots=True)
class Workbench:
    """Loaded policies with the tables they were checked against."""

    policies: Policies
    tables: Mapping[TableName, Table]
    parser: Parser

    def accesses(self, sql: str) -> tuple[Access, ...]:
        """Return what *sql* does to which table.

        Raises:
            QueryRefused: It cannot be parsed, or nobody may send such a statement.
        """
        from flight_server.steps.parse import parse

        schemas = frozenset({DEFAULT_SCHEMA, *(table.schema for table in self.tables)})
        return parse(sql, self.parser, CatalogSnapshot(0, self.tables, schemas), DEFAULT_SCHEMA).accesses

    def explain(
        self, principal: Principal, accesses: tuple[Access, ...], context: RequestContext
    ) -> Explanation:
        """Return what the policies say to *accesses*."""
        return explain(principal, accesses, self.policies, self.tables, context)


def open_workbench(home: Path, warehouse: str) -> Workbench:
    """Load HOME/policies and check them against the tables of *warehouse*.

    Raises:
        PolicyFaults: The policies cannot be used.
        NoCatalog: The tables cannot be known.
    """
    tables = tables_of(warehouse, home / "run" / "catalog.json")
    columns = {name: tuple(column.name for column in table.columns) for name, table in tables.items()}
    parser = Parser()
    with PredicateCheck(parser, tables) as check:
        policies = load_policies(home / "policies", columns, check)
    return Workbench(policies, tables, parser)
