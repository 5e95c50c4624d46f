"""The tables of the catalog and of the session, as the rewriting looks at them."""

from __future__ import annotations

from collections.abc import Collection

from flight_server.dialects.kinds import of_duckdb
from flight_server.dialects.scope import Columns
from flight_server.model import TableName
from flight_server.stores.catalog import CatalogSnapshot, Column, Table
from flight_server.syntax.names import fold, resolve


class KnownTables:
    """Finds a table by the parts of its name.

    Args:
        temporary: Names of the session's own tables, which hide the catalog's.
        own_tables: Those of them whose columns are known.
    """

    def __init__(
        self,
        catalog: CatalogSnapshot,
        default_schema: str,
        temporary: Collection[TableName] = (),
        own_tables: Collection[Table] = (),
    ) -> None:
        self._catalog = catalog
        self._default_schema = default_schema
        self._temporary = temporary
        self._own = {fold(table.name): table for table in own_tables}

    def name(self, parts: tuple[str, ...]) -> TableName | None:
        """Return the public table that *parts* name, None for one of the session's own."""
        if len(parts) == 1 and TableName("temp", fold(parts[0])) in self._temporary:
            return None
        found = resolve(list(parts), self._catalog.schemas, self._default_schema)
        return found or TableName(".".join(map(fold, parts[:-1])), fold(parts[-1]))

    def layout(self, parts: tuple[str, ...]) -> tuple[Column, ...] | None:
        """Return the columns of a table as they are defined, None for one that is not known."""
        table = self._table(parts)
        return table.columns if table is not None else None

    def columns(self, parts: tuple[str, ...]) -> Columns | None:
        """Return the kinds of a table's columns by name, None for one that is not known."""
        table = self._table(parts)
        if table is None:
            return None
        return {fold(column.name): of_duckdb(column.type) for column in table.columns}

    def _table(self, parts: tuple[str, ...]) -> Table | None:
        name = self.name(parts)
        if name is None:
            return self._own.get(fold(parts[0]))
        return self._catalog.tables.get(name)
