"""The catalog's tables as the rewriting looks at them: kinds by column name."""

from __future__ import annotations

from collections.abc import Collection

from flight_server.dialects.kinds import of_duckdb
from flight_server.dialects.scope import Columns, TableColumns
from flight_server.model import TableName
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.names import fold, resolve


def columns_of(
    catalog: CatalogSnapshot, default_schema: str, temporary: Collection[TableName] = ()
) -> TableColumns:
    """Return the look-up of a table's columns in *catalog*; those of a *temporary* table are not known."""

    def columns(parts: tuple[str, ...]) -> Columns | None:
        if len(parts) == 1 and TableName("temp", fold(parts[0])) in temporary:
            return None
        name = resolve(list(parts), catalog.schemas, default_schema)
        table = catalog.tables.get(name) if name is not None else None
        return (
            {fold(column.name): of_duckdb(column.type) for column in table.columns}
            if table is not None
            else None
        )

    return columns
