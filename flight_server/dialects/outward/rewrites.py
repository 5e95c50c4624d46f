"""DuckDB's meanings in words that a remote engine reads the same way.

Each rewrite takes one node of the tree, whose children are already rewritten,
and returns what stands in its place. What cannot be said is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from flight_server.dialects.outward.families import INTEGERS, Families
from flight_server.dialects.outward.targets import CASTS, Target, unfaithful
from flight_server.syntax.names import fold

Rewrite = Callable[[exp.Expr, Target, Families], exp.Expr]

_UNITS = {"to_days": "DAY", "to_months": "MONTH", "to_years": "YEAR"}
_INTERVAL_TEXT = re.compile(r"^\s*(\d{1,6})\s+(day|month|year)s?\s*$", re.IGNORECASE)
_PLAIN = re.compile(r"^[^'\\\x00-\x1f\x7f]*$")
_AS_TEXT = frozenset({"text", "int", "bigint", "date", "decimal"})


def without_try(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Drop TRY around a column: the fence stays, and no function that reads statistics is let through."""
    if isinstance(node, exp.Try):
        if not isinstance(node.this, exp.Column):
            raise unfaithful("TRY", target)
        return node.this
    return node


def counts(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Write `count_star()`, as DuckDB prints it, the way everybody does."""
    if isinstance(node, exp.Anonymous) and fold(node.name) == "count_star":
        return exp.Count(this=exp.Star())
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


def date_parts(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Write `date_part('YEAR', x)` as EXTRACT."""
    if isinstance(node, exp.Anonymous) and fold(node.name) == "date_part" and len(node.expressions) == 2:
        part, value = node.expressions
        if isinstance(part, exp.Literal) and part.name.upper() in ("YEAR", "MONTH", "DAY"):
            return exp.Extract(this=exp.Var(this=part.name.upper()), expression=value)
    if isinstance(node, (exp.Year, exp.Month, exp.Day)):
        return exp.Extract(this=exp.Var(this=type(node).__name__.upper()), expression=node.this)
    return node


def memberships(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Write `x = ANY (SELECT ..)` as `x IN (SELECT ..)`."""
    if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
        query = node.expression.this
        return exp.In(this=node.this, query=query if isinstance(query, exp.Subquery) else exp.Subquery(this=query))
    return node


def quotients(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Divide as DuckDB does, in DOUBLE."""
    if isinstance(node, exp.Div):
        return exp.Div(this=_double(node.this), expression=_double(node.expression), typed=True, safe=False)
    return node


def averages(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Average as DuckDB does, to a DOUBLE."""
    if isinstance(node, exp.Avg) and not isinstance(node.this, exp.Cast):
        inner = node.this
        if isinstance(inner, exp.Distinct):
            raise unfaithful("avg(DISTINCT ..)", target)
        return exp.Avg(this=_double(inner))
    return node


def _double(node: exp.Expr) -> exp.Cast:
    return exp.cast(node, "DOUBLE", dialect="duckdb")


def integers(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Compute with integers so widely that nothing overflows without a word."""
    if not target.wraps_integers:
        return node
    if isinstance(node, exp.Sum) and families.of(node.this) == "bigint":
        return exp.Sum(this=_wide(node.this))
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
        left, right = families.of(node.left), families.of(node.right)
        if left in INTEGERS and right in INTEGERS and not _constant(node):
            wide = _wide if "bigint" in (left, right) or isinstance(node, exp.Mul) else _long
            node.set("this", wide(node.this))
            node.set("expression", wide(node.expression))
    return node


def _constant(node: exp.Expr) -> bool:
    return all(isinstance(leaf, exp.Literal) for leaf in (node.left.unnest(), node.right.unnest()))


def _wide(node: exp.Expr) -> exp.Expr:
    return exp.cast(node, "DECIMAL(38,0)", dialect="duckdb") if not isinstance(node, exp.Literal) else node


def _long(node: exp.Expr) -> exp.Expr:
    return exp.cast(node, "BIGINT", dialect="duckdb") if not isinstance(node, exp.Literal) else node


def casts(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Let the casts through that mean the same everywhere."""
    if not isinstance(node, exp.Cast) or isinstance(node.this, exp.Null):
        return node
    if isinstance(node, exp.TryCast):
        raise unfaithful("TRY_CAST", target)
    to = node.to.this.value
    if to not in CASTS:
        raise unfaithful(f"a cast to {to}", target)
    family = families.of(node.this)
    if to in ("TEXT", "VARCHAR"):
        if family not in _AS_TEXT:
            raise unfaithful("the text of such a value", target)
        if family == "text":
            return node.this
    if to in ("TINYINT", "SMALLINT", "INT", "BIGINT") and family not in INTEGERS:
        raise unfaithful("a cast to an integer", target)
    return node


def patterns(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Match patterns in which nothing is escaped."""
    if isinstance(node, exp.Like):
        pattern = node.expression.unnest()
        if not isinstance(pattern, exp.Literal) or "\\" in pattern.name:
            raise unfaithful("LIKE with such a pattern", target)
    return node


def pieces(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Cut texts at constant places, counted from the start."""
    if isinstance(node, exp.Substring):
        places = [node.args.get("start"), node.args.get("length")]
        if not all(p is None or (_number(p) is not None) for p in places) or _number(places[0]) == 0:
            raise unfaithful("substring at such a place", target)
    if isinstance(node, (exp.Left, exp.Right)) and _number(node.expression) is None:
        raise unfaithful("a piece of such a length", target)
    if isinstance(node, exp.Trim) and (node.expression is not None or node.args.get("position")):
        raise unfaithful("trim of other characters than blanks", target)
    return node


def _number(node: exp.Expr | None) -> int | None:
    """Return the whole number that *node* is, or None."""
    node = node.unnest() if node is not None else None
    plain = isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit()
    return int(node.this) if plain and node is not None else None


def rounding(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Round half away from zero, as DuckDB does for exact numbers."""
    if isinstance(node, exp.Round):
        decimals = node.args.get("decimals")
        if families.of(node.this) != "decimal" or (decimals is not None and _number(decimals) is None):
            raise unfaithful("round of such a number", target)
    return node


def texts(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Write a text with quotes, backslashes or control characters so that nothing can be misread in it."""
    if isinstance(node, exp.Literal) and node.is_string and not _PLAIN.match(node.name):
        if "\0" in node.name:
            raise unfaithful("a text with a zero character", target)
        if target.name == "postgres":
            return node
        value = exp.HexString(this=node.name.encode().hex())
        return exp.cast(value, "TEXT", dialect="duckdb")
    return node


def distances(node: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Refuse concatenations whose operands are not texts."""
    if isinstance(node, exp.DPipe):
        known = [families.of(side) for side in (node.left, node.right)]
        if any(family not in ("text", "int", "bigint", "date") for family in known):
            raise unfaithful("|| of such values", target)
    return node


REWRITES: tuple[Rewrite, ...] = (
    counts,
    date_parts,
    memberships,
    patterns,
    pieces,
    distances,
    rounding,
    integers,
    casts,
    averages,
    quotients,
    without_try,
    texts,
)
