"""What of the catalog exists for a principal: the tables it may do something to, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import MaskFunction, Principal, TableName
from flight_server.policy.evaluate import masks_for, may_do_anything, sees_everything, visible_tables
from flight_server.policy.model import Policies, RequestContext
from flight_server.steps.authorise import denial
from flight_server.stores.catalog import CatalogSnapshot, Table
from flight_server.syntax.names import DEFAULT_SCHEMA


@dataclass(frozen=True, slots=True)
class Sight:
    """A principal's view of the catalog; only `look` makes one.

    Attributes:
        masked: For each table the functions that mask its columns, by folded column name.
        complete: Whether nothing is closed, filtered or masked.
    """

    tables: Mapping[TableName, Table]
    principal: Principal
    schemas: frozenset[str]
    masked: Mapping[TableName, Mapping[str, MaskFunction]]
    complete: bool


def look(
    principal: Principal, policies: Policies, catalog: CatalogSnapshot, context: RequestContext
) -> Sight:
    """Return what *principal* may know of *catalog*.

    Raises:
        QueryRefused: POLICY_DENIED for those who may do nothing at all.
    """
    if not may_do_anything(policies, principal, context):
        raise QueryRefused(ErrorCode.POLICY_DENIED, denial(principal, None))
    complete = sees_everything(policies, principal, context)
    names = (
        frozenset(catalog.tables)
        if complete
        else visible_tables(principal, policies, catalog.tables.keys(), context)
    )
    tables = {name: table for name, table in sorted(catalog.tables.items()) if name in names}
    schemas = catalog.schemas if complete else frozenset(name.schema for name in names) | {DEFAULT_SCHEMA}
    masked = {
        name: {column: rule.mask.function for column, rule in masks_for(policies, principal, name).items()}
        for name in tables
    }
    return Sight(tables, principal, schemas, masked, complete)
