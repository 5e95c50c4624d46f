"""What family of types an expression is of, as far as names and syntax tell.

Casts and sums mean different things to different engines for different types.
A name that may stand for two families, or an expression that is not known, has
no family, and what depends on it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlglot import exp

from flight_server.stores.catalog import Column
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
        columns: Those of every remote table that the statement reads.
    """

    def __init__(self, columns: Iterable[Column], tree: exp.Expr) -> None:
        self._names: dict[str, set[str | None]] = {}
        for column in columns:
            self._names.setdefault(fold(column.name), set()).add(family_of_type(column.type))
        for alias in tree.find_all(exp.Alias):
            inner = alias.this
            if isinstance(inner.unnest(), exp.Column) and fold(inner.unnest().name) == fold(alias.alias):
                continue  # a column under its own name adds nothing
            if isinstance(inner, exp.Try) and fold(inner.this.name) == fold(alias.alias):
                continue
            self._names.setdefault(fold(alias.alias), set()).add(self.of(inner))
        for table in tree.find_all(exp.TableAlias):
            for column_alias in table.columns:
                self._names.setdefault(fold(column_alias.name), set()).add(None)

    def of(self, node: exp.Expr) -> str | None:
        """Return the family of *node*, or None where it is not certain."""
        if isinstance(node, exp.Column):
            found = self._names.get(fold(node.name), set())
            return next(iter(found)) if len(found) == 1 else None
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
