"""Which columns a name can mean, with their kinds, in one query and the queries around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.kinds import Kind, kind_of
from flight_server.syntax.names import fold

Columns: TypeAlias = Mapping[str, Kind]
"""Kinds by folded column name; of a source whose columns are unknown there is None instead."""

TableColumns: TypeAlias = Callable[[tuple[str, ...]], Columns | None]
"""From the parts of a table's name to its columns, None where the catalog does not have it."""


@dataclass(slots=True)
class Scope:
    """The sources of one query, its common table expressions and the aliases of its select list."""

    tables: TableColumns
    parent: Scope | None = None
    sources: dict[str, Columns | None] = field(default_factory=dict)
    expressions: dict[str, Columns | None] = field(default_factory=dict)
    aliases: dict[str, Kind] = field(default_factory=dict)

    def child(self) -> Scope:
        """Return the scope of a query inside this one."""
        return Scope(self.tables, self)

    def named(self, parts: tuple[str, ...]) -> Columns | None:
        """Return the columns of a table or common table expression."""
        scope: Scope | None = self if len(parts) == 1 else None
        while scope is not None:
            if fold(parts[0]) in scope.expressions:
                return scope.expressions[fold(parts[0])]
            scope = scope.parent
        return self.tables(parts)

    def kind(self, column: exp.Column) -> Kind:
        """Return the kind of a column reference, from the innermost scope that has it."""
        name, table = fold(column.name), fold(column.table)
        scope: Scope | None = self
        while scope is not None:
            found = scope._here(name, table)
            if found is not None:
                return found
            scope = scope.parent
        return Kind.UNKNOWN

    def has_source(self, table: str) -> bool:
        """Tell whether this query or one around it reads something called *table*."""
        scope: Scope | None = self
        while scope is not None:
            if table in scope.sources:
                return True
            scope = scope.parent
        return False

    def _here(self, name: str, table: str) -> Kind | None:
        """Return the kind in this scope alone, None where the name is not of this scope."""
        if table:
            columns = self.sources.get(table, {})
            return Kind.UNKNOWN if columns is None else columns.get(name) if table in self.sources else None
        found = [columns[name] for columns in self.sources.values() if columns and name in columns]
        if found:
            return found[0] if len(set(found)) == 1 else Kind.UNKNOWN
        if name in self.aliases:
            return self.aliases[name]
        return Kind.UNKNOWN if None in self.sources.values() else None


def output(select: exp.Select, scope: Scope) -> Columns | None:
    """Return the columns that a rewritten SELECT gives, None where a star hides them."""
    columns: dict[str, Kind] = {}
    for item in select.expressions:
        if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
            behind = _behind_star(item, scope)
            if behind is None:
                return None
            columns.update(behind)
        elif item.output_name:
            columns[fold(item.output_name)] = kind_of(item)
    return columns


def _behind_star(star: Node, scope: Scope) -> Columns | None:
    tables = [fold(star.table)] if isinstance(star, exp.Column) else list(scope.sources)
    columns: dict[str, Kind] = {}
    for table in tables:
        found = scope.sources.get(table)
        if found is None:
            return None
        columns.update(found)
    return columns


def renamed(columns: Columns | None, alias: exp.TableAlias | None) -> Columns | None:
    """Return *columns* under the names that an alias such as `t(a, b)` gives them."""
    names = alias.columns if alias is not None else []
    if not names:
        return columns
    kinds = list(columns.values()) if columns is not None else []
    kinds += [Kind.UNKNOWN] * (len(names) - len(kinds))
    given = {fold(name.name): kind for name, kind in zip(names, kinds, strict=False)}
    rest = dict(list(columns.items())[len(names) :]) if columns is not None else {}
    return {**given, **rest}
