"""Checks the text of a row filter against the tables it speaks of, when policies are loaded.

The parser says whether the text is one condition; binding it on empty copies of
the tables finds the column that does not exist and the number that is no yes or no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import TracebackType

import duckdb

from flight_server.model import TableName
from flight_server.stores.catalog import Table
from flight_server.syntax.facts import gather
from flight_server.syntax.names import DEFAULT_SCHEMA, PUBLIC_CATALOG, quote, resolve
from flight_server.syntax.parser import Parser
from flight_server.syntax.secure import check_predicate

_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w+)")
_CLASS = re.compile(r"^\w+ Error: ")


class PredicateCheck:
    """Says what is wrong with a row filter; close it when the policies are loaded.

    Args:
        parser: Reads the text.
        tables: The tables that exist, with the types of their columns.
    """

    def __init__(self, parser: Parser, tables: Mapping[TableName, Table]) -> None:
        self._parser = parser
        self._tables = tables
        self._made: set[TableName] = set()
        self._empty = duckdb.connect(
            ":memory:", config={"threads": "1", "python_enable_replacements": "false"}
        )
        self._empty.execute(f"ATTACH ':memory:' AS {PUBLIC_CATALOG}; USE {PUBLIC_CATALOG}")
        self._empty.execute("SET enable_external_access = false")

    def __enter__(self) -> PredicateCheck:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the empty copies."""
        self._empty.close()

    def __call__(self, table: TableName, predicate: str) -> str | None:
        """Return what is wrong with *predicate* over *table*, or None; `$name` stands for a value."""
        problem = check_predicate(self._parser, table, predicate)
        if problem:
            return problem
        missing = [name for name in self._spoken_of(predicate) if name not in self._tables]
        if missing:
            return f"table '{missing[0]}' does not exist"
        if not all(self._make(name) for name in (table, *self._spoken_of(predicate))):
            return None  # a type that an empty instance cannot make: the engine will judge
        return self._binding_problem(table, predicate)

    def _spoken_of(self, predicate: str) -> tuple[TableName, ...]:
        tree = json.loads(self._parser.parse_read(f"SELECT 1 WHERE ({predicate}\n)"))
        schemas = {name.schema for name in self._tables}
        paths = (node["qualified_name"]["path"] for node in gather(tree).tables)
        found = (resolve(path, schemas, DEFAULT_SCHEMA) for path in paths)
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def _make(self, name: TableName) -> bool:
        """Create the empty copy of *name* unless it is there; False when a type is not known here."""
        if name in self._made:
            return True
        columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self._tables[name].columns)
        schema, table = self._place(name)
        try:
            if self._tables[name].engine:
                self._empty.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {quote(self._tables[name].engine)}")
            self._empty.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self._empty.execute(f"CREATE TABLE {table} ({columns})")
        except duckdb.Error:
            return False
        self._made.add(name)
        return True

    def _place(self, name: TableName) -> tuple[str, str]:
        """Return schema and path of a table's empty copy; a remote engine is a catalog of its own."""
        engine = self._tables[name].engine
        schema = quote(name.schema.removeprefix(f"{engine}.")) if engine else quote(name.schema)
        schema = f"{quote(engine)}.{schema}" if engine else schema
        return schema, f"{schema}.{quote(name.table)}"

    def _binding_problem(self, table: TableName, predicate: str) -> str | None:
        names = {match[1] for match in _PARAMETER.finditer(predicate) if match[1]}
        source = self._place(table)[1]
        sql = f"SELECT ({predicate}\n) FROM {source} WHERE ({predicate}\n)"
        try:
            kind = self._empty.sql(sql, params=dict.fromkeys(names) or None).types[0]
        except duckdb.Error as error:
            return _CLASS.sub("", str(error).splitlines()[0])
        return None if str(kind) in ("BOOLEAN", '"NULL"') else f"it is of type {kind}, not BOOLEAN"
