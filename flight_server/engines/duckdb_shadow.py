"""Empty tables in DuckDB that stand for those of remote engines.

The parser's tree, the lineage, the filters, the masks and the binder's word are
made of them as of local tables; no row is ever in them.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from flight_server.stores.catalog import Table
from flight_server.syntax.names import fold, quote

_ROWS = "__described"


class Shadow:
    """An attached database in memory, whose name no caller can know.

    Attributes:
        catalog: Its name.
        schemas: The folded names of the remote schemas, such as `cluster.main`.
    """

    def __init__(self, root: duckdb.DuckDBPyConnection, catalog: str) -> None:
        self._root = root
        self.catalog = catalog
        self.schemas: frozenset[str] = frozenset()
        root.execute(f"ATTACH ':memory:' AS {catalog}")

    def types(self, schema: pa.Schema) -> list[tuple[str, str]]:
        """Return name and SQL type of the columns of *schema*; those that DuckDB cannot hold are left out."""
        return [(field.name, kind) for field in schema if (kind := self._type(field)) is not None]

    def _type(self, field: pa.Field) -> str | None:
        connection = self._root.cursor()
        try:
            connection.register(_ROWS, pa.schema([field.with_name("c")]).empty_table())
            return str(connection.execute(f"DESCRIBE FROM temp.main.{_ROWS}").fetchall()[0][1])
        except (duckdb.Error, pa.ArrowException):
            return None
        finally:
            connection.close()

    def show(self, tables: Iterable[Table], schemas: Iterable[str]) -> None:
        """Make the shadow's tables these."""
        connection = self._root.cursor()
        try:
            connection.execute("BEGIN TRANSACTION")
            for (schema,) in connection.execute(
                "SELECT schema_name FROM duckdb_schemas() WHERE database_name = ? AND NOT internal",
                [self.catalog],
            ).fetchall():
                if schema != "main":
                    connection.execute(f"DROP SCHEMA {self.catalog}.{quote(schema)} CASCADE")
            for schema in schemas:
                connection.execute(f"CREATE SCHEMA {self.catalog}.{quote(schema)}")
            for table in tables:
                columns = ", ".join(f"{quote(column.name)} {column.type}" for column in table.columns)
                path = f"{self.catalog}.{quote(table.schema)}.{quote(table.name)}"
                connection.execute(f"CREATE TABLE {path} ({columns})")
            connection.execute("COMMIT")
        finally:
            connection.close()
        self.schemas = frozenset(map(fold, schemas))
