"""The catalog's tables as the rewriting looks at them: kinds by column name."""

from __future__ import annotations

from flight_server.dialects.kinds import of_duckdb
from flight_server.dialects.scope import Columns, TableColumns
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.names import fold, resolve


def columns_of(catalog: CatalogSnapshot, default_schema: str) -> TableColumns:
    """Return the look-up of a table's columns in *catalog*."""

    def columns(parts: tuple[str, ...]) -> Columns | None:
        name = resolve(list(parts), catalog.schemas, default_schema)
        table = catalog.tables.get(name) if name is not None else None
        return (
            {fold(column.name): of_duckdb(column.type) for column in table.columns}
            if table is not None
            else None
        )

    return columns
