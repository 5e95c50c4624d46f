"""DuckDB's meanings in words that a remote engine reads the same way.

Each rewriting takes one node of the tree, whose children are already rewritten,
and returns what stands in its place. What cannot be said is refused.
"""

from __future__ import annotations

import re

from sqlglot import exp

from flight_server.dialects.outward.families import INTEGERS, Families
from flight_server.dialects.outward.targets import CASTS, Target, unfaithful
from flight_server.syntax.names import fold

_UNITS = {"to_days": "DAY", "to_months": "MONTH", "to_years": "YEAR"}
_INTERVAL_TEXT = re.compile(r"^\s*(\d{1,6})\s+(day|month|year)s?\s*$", re.IGNORECASE)
_PLAIN = re.compile(r"^[^'\\\x00-\x1f\x7f]*$")
_AS_TEXT = frozenset({"text", "int", "bigint", "date", "decimal"})


class Rewriter:
    """Writes the nodes of one statement for one dialect.

    Args:
        families: What its names stand for.
    """

    def __init__(self, target: Target, families: Families) -> None:
        self._target = target
        self._families = families

    def rewritten(self, node: exp.Expr) -> exp.Expr:
        """Return what stands in the place of *node*.

        Raises:
            QueryRefused: It has no faithful form.
        """
        for rewrite in (
            self._counts,
            self._date_parts,
            self._memberships,
            self._patterns,
            self._pieces,
            self._distances,
            self._rounding,
            self._integers,
            self._casts,
            self._averages,
            self._quotients,
            self._without_try,
        ):
            node = rewrite(node)
        return node

    def _without_try(self, node: exp.Expr) -> exp.Expr:
        """Drop TRY around a column: the fence stays, and no function that reads statistics is let through."""
        if isinstance(node, exp.Try):
            if not isinstance(node.this, exp.Column):
                raise unfaithful("TRY", self._target)
            return node.this
        return node

    def _counts(self, node: exp.Expr) -> exp.Expr:
        """Write `count_star()`, as DuckDB prints it, the way everybody does."""
        if isinstance(node, exp.Anonymous) and fold(node.name) == "count_star":
            return exp.Count(this=exp.Star())
        return node

    def _date_parts(self, node: exp.Expr) -> exp.Expr:
        """Write `date_part('YEAR', x)` as EXTRACT."""
        if isinstance(node, exp.Anonymous) and fold(node.name) == "date_part" and len(node.expressions) == 2:
            part, value = node.expressions
            if isinstance(part, exp.Literal) and part.name.upper() in ("YEAR", "MONTH", "DAY"):
                return exp.Extract(this=exp.Var(this=part.name.upper()), expression=value)
        if isinstance(node, (exp.Year, exp.Month, exp.Day)):
            return exp.Extract(this=exp.Var(this=type(node).__name__.upper()), expression=node.this)
        return node

    def _memberships(self, node: exp.Expr) -> exp.Expr:
        """Write `x = ANY (SELECT ..)` as `x IN (SELECT ..)`."""
        if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
            query = node.expression.this
            return exp.In(
                this=node.this, query=query if isinstance(query, exp.Subquery) else exp.Subquery(this=query)
            )
        return node

    def _quotients(self, node: exp.Expr) -> exp.Expr:
        """Divide as DuckDB does, in DOUBLE."""
        if isinstance(node, exp.Div):
            return exp.Div(
                this=_double(node.this), expression=_double(node.expression), typed=True, safe=False
            )
        return node

    def _averages(self, node: exp.Expr) -> exp.Expr:
        """Average as DuckDB does, to a DOUBLE."""
        if isinstance(node, exp.Avg) and not isinstance(node.this, exp.Cast):
            inner = node.this
            if isinstance(inner, exp.Distinct):
                raise unfaithful("avg(DISTINCT ..)", self._target)
            return exp.Avg(this=_double(inner))
        return node

    def _integers(self, node: exp.Expr) -> exp.Expr:
        """Compute with integers so widely that nothing overflows without a word."""
        if not self._target.wraps_integers:
            return node
        if isinstance(node, exp.Sum) and self._families.of(node.this) == "bigint":
            return exp.Sum(this=_wide(node.this))
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
            left, right = self._families.of(node.left), self._families.of(node.right)
            if left in INTEGERS and right in INTEGERS and not _constant(node):
                wide = _wide if "bigint" in (left, right) or isinstance(node, exp.Mul) else _long
                node.set("this", wide(node.this))
                node.set("expression", wide(node.expression))
        return node

    def _casts(self, node: exp.Expr) -> exp.Expr:
        """Let the casts through that mean the same everywhere."""
        if not isinstance(node, exp.Cast) or isinstance(node.this, exp.Null):
            return node
        if isinstance(node, exp.TryCast):
            raise unfaithful("TRY_CAST", self._target)
        to = node.to.this.value
        if to not in CASTS:
            raise unfaithful(f"a cast to {to}", self._target)
        family = self._families.of(node.this)
        if to in ("TEXT", "VARCHAR"):
            if family not in _AS_TEXT:
                raise unfaithful("the text of such a value", self._target)
            if family == "text":
                inner: exp.Expr = node.this
                return inner
        if to in ("TINYINT", "SMALLINT", "INT", "BIGINT") and family not in INTEGERS:
            raise unfaithful("a cast to an integer", self._target)
        return node

    def _patterns(self, node: exp.Expr) -> exp.Expr:
        """Match patterns in which nothing is escaped."""
        if isinstance(node, exp.Like):
            pattern = node.expression.unnest()
            if not isinstance(pattern, exp.Literal) or "\\" in pattern.name:
                raise unfaithful("LIKE with such a pattern", self._target)
        return node

    def _pieces(self, node: exp.Expr) -> exp.Expr:
        """Cut texts at constant places, counted from the start."""
        if isinstance(node, exp.Substring):
            places = [node.args.get("start"), node.args.get("length")]
            if not all(p is None or (_number(p) is not None) for p in places) or _number(places[0]) == 0:
                raise unfaithful("substring at such a place", self._target)
        if isinstance(node, (exp.Left, exp.Right)) and _number(node.expression) is None:
            raise unfaithful("a piece of such a length", self._target)
        if isinstance(node, exp.Trim) and (node.expression is not None or node.args.get("position")):
            raise unfaithful("trim of other characters than blanks", self._target)
        return node

    def _rounding(self, node: exp.Expr) -> exp.Expr:
        """Round half away from zero, as DuckDB does for exact numbers."""
        if isinstance(node, exp.Round):
            decimals = node.args.get("decimals")
            if self._families.of(node.this) != "decimal" or (
                decimals is not None and _number(decimals) is None
            ):
                raise unfaithful("round of such a number", self._target)
        return node

    def _distances(self, node: exp.Expr) -> exp.Expr:
        """Refuse concatenations whose operands are not texts."""
        if isinstance(node, exp.DPipe):
            known = [self._families.of(side) for side in (node.left, node.right)]
            if any(family not in ("text", "int", "bigint", "date") for family in known):
                raise unfaithful("|| of such values", self._target)
        return node


def hashes(node: exp.Expr, target: Target) -> exp.Expr:
    """Hash the UTF-8 bytes of a text, as DuckDB does."""
    if isinstance(node, exp.SHA2) and target.name == "postgres":
        encoding = exp.Literal.string("UTF8")
        return exp.SHA2(this=exp.Anonymous(this="CONVERT_TO", expressions=[node.this, encoding]))
    return node


def texts(node: exp.Expr, target: Target) -> exp.Expr:
    """Write a text with quotes, backslashes or control characters so that nothing can be misread in it."""
    if isinstance(node, exp.Literal) and node.is_string and not _PLAIN.match(node.name):
        if "\0" in node.name:
            raise unfaithful("a text with a zero character", target)
        if target.name != "spark":
            return node
        value = exp.HexString(this=node.name.encode().hex())
        return exp.cast(value, "TEXT", dialect="duckdb")
    return node


def intervals(node: exp.Expr, target: Target) -> exp.Expr:
    """Write the intervals that DuckDB prints as calls or casts as literals; comes before the others."""
    if isinstance(node, exp.Anonymous) and fold(node.name) in _UNITS and len(node.expressions) == 1:
        return _interval(_whole_number(node.expressions[0], target), _UNITS[fold(node.name)])
    if isinstance(node, exp.Cast) and node.to.is_type(exp.DataType.Type.INTERVAL):
        found = _INTERVAL_TEXT.match(node.this.name) if isinstance(node.this, exp.Literal) else None
        if found is None:
            raise unfaithful("this interval", target)
        return _interval(found[1], found[2].upper())
    return node


def _interval(count: str, unit: str) -> exp.Expr:
    return exp.Interval(this=exp.Literal.string(count), unit=exp.Var(this=unit))


def _whole_number(node: exp.Expr, target: Target) -> str:
    """Return the constant under the casts and the `trunc` that DuckDB prints around it."""
    while isinstance(node, (exp.Cast, exp.Trunc, exp.Paren)):
        node = node.this
    if not isinstance(node, exp.Literal) or not re.fullmatch(r"\d{1,6}", node.name):
        raise unfaithful("an interval of another length than a constant", target)
    return str(node.name)


def _double(node: exp.Expr) -> exp.Cast:
    return exp.cast(node, "DOUBLE", dialect="duckdb")


def _constant(node: exp.Binary) -> bool:
    return all(isinstance(leaf, exp.Literal) for leaf in (node.left.unnest(), node.right.unnest()))


def _wide(node: exp.Expr) -> exp.Expr:
    return exp.cast(node, "DECIMAL(38,0)", dialect="duckdb") if not isinstance(node, exp.Literal) else node


def _long(node: exp.Expr) -> exp.Expr:
    return exp.cast(node, "BIGINT", dialect="duckdb") if not isinstance(node, exp.Literal) else node


def _number(node: exp.Expr | None) -> int | None:
    """Return the whole number that *node* is, or None."""
    node = node.unnest() if node is not None else None
    plain = isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit()
    return int(node.this) if plain and node is not None else None
