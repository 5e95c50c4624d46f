"""What family of types an expression is of, as far as names and syntax tell.

Casts and sums mean different things to different engines for different types.
What is not certain has no family, and what depends on it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from flight_server.dialects.outward.tables import RemoteTable
from flight_server.model import TableName
from flight_server.syntax.names import fold

_FAMILIES: Mapping[str, str] = {
    "TINYINT": "int", "UTINYINT": "int", "SMALLINT": "int", "USMALLINT": "int", "INTEGER": "int",
    "INT": "int",
    "UINTEGER": "bigint", "BIGINT": "bigint", "DECIMAL": "decimal", "FLOAT": "float", "DOUBLE": "float",
    "REAL": "float", "VARCHAR": "text", "TEXT": "text", "DATE": "date", "TIMESTAMP": "timestamp",
    "TIMESTAMPNTZ": "timestamp", "BOOLEAN": "bool",
}  # fmt: skip
_NAME = re.compile(r"^\w+")
INTEGERS = frozenset({"int", "bigint"})
_SAME: tuple[type[exp.Expr], ...] = (exp.Paren, exp.Neg, exp.Min, exp.Max, exp.Abs, exp.Try)
_TEXTS: tuple[type[exp.Expr], ...] = (
    exp.Upper, exp.Lower, exp.Substring, exp.Left, exp.Right, exp.Trim, exp.DPipe, exp.SHA2,
)  # fmt: skip
_INTEGER_RESULTS: tuple[type[exp.Expr], ...] = (
    exp.Count, exp.Length, exp.Year, exp.Month, exp.Day, exp.Extract, exp.RowNumber, exp.Rank, exp.DenseRank,
)  # fmt: skip


def family_of_type(sql_type: str) -> str | None:
    """Return the family of a DuckDB type's text, such as `DECIMAL(15,2)`."""
    found = _NAME.match(sql_type.upper())
    return _FAMILIES.get(found[0]) if found else None


class Families:
    """What the names of one statement stand for.

    Args:
        shadow: The folded name of the shadow catalog.
        tables: The remote tables in it.
    """

    def __init__(self, shadow: str, tables: Mapping[TableName, RemoteTable]) -> None:
        self._shadow = shadow
        self._tables = tables

    def of(self, node: exp.Expr) -> str | None:
        """Return the family of *node*, or None where it is not certain."""
        if isinstance(node, exp.Column):
            return self._of_column(node)
        if isinstance(node, exp.Literal):
            return _of_literal(node)
        if isinstance(node, (exp.Cast, exp.DataType)):
            to = node.to if isinstance(node, exp.Cast) else node
            return _FAMILIES.get(to.this.value if hasattr(to.this, "value") else str(to.this))
        if isinstance(node, _SAME):
            return self.of(node.this)
        if isinstance(node, _TEXTS):
            return "text"
        if isinstance(node, _INTEGER_RESULTS):
            return "bigint"
        if isinstance(node, (exp.Avg, exp.Div)):
            return "float"
        if isinstance(node, exp.Sum):
            inner = self.of(node.this)
            return "decimal" if inner in INTEGERS else inner
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
            return _wider(self.of(node.left), self.of(node.right))
        if isinstance(node, exp.Case):
            return self._of_branches(
                [branch.args["true"] for branch in node.args["ifs"]], node.args.get("default")
            )
        if isinstance(node, exp.Coalesce):
            return self._of_branches([node.this, *node.expressions], None)
        return None

    def _of_branches(self, branches: list[exp.Expr], default: exp.Expr | None) -> str | None:
        every = [*branches, default] if default is not None else branches
        found = [self.of(branch) for branch in every if not isinstance(branch.unnest(), exp.Null)]
        family = found[0] if found else None
        for other in found[1:]:
            family = family if family == other else _wider(family, other)
        return family

    def _of_column(self, column: exp.Column) -> str | None:
        """Return the family of what a column's name stands for in the nearest query that knows it."""
        select = column.parent_select
        while select is not None:
            found = self._in_sources(select, fold(column.name), fold(column.table))
            if found:
                return next(iter(found)) if len(found) == 1 else None
            select = select.parent_select
        return None

    def _in_sources(self, query: exp.Expr, name: str, source: str) -> set[str | None]:
        """Return the families that *name* has in the sources of *query*, or in the one that is named."""
        if not isinstance(query, exp.Select):
            return {None}
        found: set[str | None] = set()
        for node in _sources(query):
            if not source or fold(node.alias_or_name) == source:
                found |= self._in_source(node, name)
        return found

    def _in_source(self, node: exp.Expr, name: str) -> set[str | None]:
        alias = node.args.get("alias")
        if isinstance(node, exp.Table) and not node.db:
            expression = _common_table(node)
            return (
                self._in_query(expression.this, expression.args.get("alias"), name) if expression else {None}
            )
        if isinstance(alias, exp.TableAlias) and alias.columns and isinstance(node, exp.Table):
            return {None}
        if isinstance(node, exp.Table):
            table = self._tables.get(TableName(fold(node.db), fold(node.name)))
            columns = table.columns if table and fold(node.catalog) == self._shadow else ()
            return {family_of_type(c.column.type) for c in columns if fold(c.column.name) == name}
        if isinstance(node, exp.Subquery):
            return self._in_query(node.this, alias, name)
        return {None}

    def _in_query(self, query: exp.Expr, alias: exp.Expr | None, name: str) -> set[str | None]:
        """Return the families of the output *name* of a derived table."""
        query = query.unnest()
        if not isinstance(query, exp.Select):
            return {None}
        renamed = [fold(one.name) for one in alias.columns] if isinstance(alias, exp.TableAlias) else []
        if renamed:
            position = renamed.index(name) if name in renamed else -1
            if position < 0:
                return set()
            starred = any(item.is_star for item in query.expressions[: position + 1])
            return {None} if starred else {self.of(query.expressions[position].unalias())}
        found: set[str | None] = set()
        for item in query.expressions:
            if item.is_star:
                qualifier = fold(item.table) if isinstance(item, exp.Column) else ""
                found |= self._in_sources(query, name, qualifier)
            elif fold(item.alias_or_name) == name:
                found.add(self.of(item.unalias()))
        return found


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the tables and derived tables of a FROM clause."""
    from_ = select.args.get("from_")
    waiting = [from_.this] if from_ is not None else []
    waiting += [join.this for join in select.args.get("joins") or ()]
    while waiting:
        node = waiting.pop()
        waiting += [join.this for join in node.args.get("joins") or ()]
        if isinstance(node, exp.Paren) or (
            isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table)
        ):
            waiting.append(node.this)
        else:
            yield node


def _common_table(node: exp.Table) -> exp.CTE | None:
    """Return the common table expression that *node* names, the innermost of that name."""
    around = node.parent
    while around is not None:
        with_ = around.args.get("with_")
        for expression in reversed(with_.expressions if with_ is not None else []):
            if isinstance(expression, exp.CTE) and fold(expression.alias) == fold(node.name):
                return expression
        around = around.parent
    return None


def _of_literal(node: exp.Literal) -> str:
    if node.is_string:
        return "text"
    text = str(node.this).lower()
    if "e" in text:
        return "float"
    return "decimal" if "." in text else ("int" if len(text) < 10 else "bigint")


_NUMBERS = ("int", "bigint", "decimal", "float")


def _wider(left: str | None, right: str | None) -> str | None:
    """Return the family of a sum of both, or None unless both are numbers."""
    if left not in _NUMBERS or right not in _NUMBERS:
        return None
    return max(left, right, key=_NUMBERS.index)
