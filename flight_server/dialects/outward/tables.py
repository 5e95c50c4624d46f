"""Where the shadow's tables really are, and what stands for them in the outward text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from flight_server.dialects.outward.targets import Target, unfaithful
from flight_server.model import TableName
from flight_server.stores.catalog import Column
from flight_server.syntax.names import fold


@dataclass(frozen=True, slots=True)
class RemoteColumn:
    """A column of a remote table.

    Attributes:
        remote_name: As the remote engine writes it.
        cast: The remote type that it is read as, or empty; `C` collation is asked for by `collate`.
    """

    column: Column
    remote_name: str
    cast: str = ""
    collate: bool = False

    @property
    def plain(self) -> bool:
        """Whether the remote column is read as it is."""
        return not self.cast and not self.collate and self.remote_name == fold(self.column.name)


@dataclass(frozen=True, slots=True)
class RemoteTable:
    """A table of a remote engine.

    Attributes:
        name: Its public name; the schema is `engine.schema`.
        path: Where it is on the remote engine: at least schema and table.
        whole: Whether its columns are all of the remote table's, so that `*` may be read there.
    """

    name: TableName
    engine: str
    path: tuple[str, ...]
    columns: tuple[RemoteColumn, ...]
    whole: bool = False

    @property
    def plain(self) -> bool:
        """Whether the remote table can be named as it is, without a projection."""
        return self.whole and all(column.plain for column in self.columns)


_TABLE_ARGUMENTS = frozenset({"this", "db", "catalog", "alias", "joins"})


def place_tables(
    tree: exp.Expr, shadow: str, tables: Mapping[TableName, RemoteTable], target: Target
) -> tuple[RemoteTable, ...]:
    """Put a projection of the remote table in the place of every table of the shadow catalog; return them.

    A projection by name keeps what `*` means apart from columns that the remote table has gained.
    """
    expressions = {fold(cte.alias) for cte in tree.find_all(exp.CTE)}
    found = []
    for node in list(tree.find_all(exp.Table)):
        if any(value for key, value in node.args.items() if key not in _TABLE_ARGUMENTS):
            raise unfaithful("this way to name a table", target)
        if not isinstance(node.this, exp.Identifier):
            raise unfaithful("a table function", target)
        if not node.db and not node.catalog:
            if fold(node.name) not in expressions:
                raise unfaithful("a table of the session", target, f"{node.name} is in no catalog")
            continue
        table = (
            tables.get(TableName(fold(node.db), fold(node.name))) if fold(node.catalog) == shadow else None
        )
        if table is None:
            raise unfaithful("a table of another engine", target, f"{node.sql()} is not remote")
        found.append(table)
        _replace(node, table)
    return tuple(found)


def _replace(node: exp.Table, table: RemoteTable) -> None:
    outputs = [_projected(column) for column in table.columns]
    source = exp.Table(
        **dict(zip(("this", "db", "catalog"), map(_exact, reversed(table.path)), strict=False))
    )
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
    if table.plain and not alias.columns:
        source.set("alias", alias)
        source.set("joins", node.args.get("joins"))
        node.replace(source)
        return
    inner = exp.Select(expressions=outputs)
    inner.set("from_", exp.From(this=source))
    node.replace(exp.Subquery(this=inner, alias=alias, joins=node.args.get("joins")))


def _exact(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


def _projected(column: RemoteColumn) -> exp.Expr:
    value: exp.Expr = exp.Column(this=_exact(column.remote_name))
    if column.cast:
        value = exp.Cast(this=value, to=exp.DataType.build(column.cast, dialect="postgres"))
    if column.collate:
        value = exp.Collate(this=value, expression=_exact("C"))
    return exp.Alias(this=value, alias=_exact(fold(column.column.name)))
