"""The dialects that statements are translated to, and what each can say faithfully.

A dialect is a positive list: what is not named here is refused, for a remote
engine that reads a construct differently would answer wrongly or, worse, about
rows that a filter hides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from flight_server.errors import ErrorCode, QueryRefused

Classes = tuple[type[exp.Expr], ...]

SHARED: Classes = (
    exp.Abs, exp.Add, exp.Alias, exp.And, exp.Avg, exp.Between, exp.Boolean, exp.CTE, exp.Case, exp.Cast,
    exp.Ceil, exp.Coalesce, exp.Column, exp.Count, exp.DPipe, exp.DataType, exp.DataTypeParam, exp.DenseRank,
    exp.Distinct, exp.Div, exp.EQ, exp.Except, exp.Exists, exp.Extract, exp.Filter, exp.Floor, exp.From,
    exp.GT, exp.GTE, exp.Greatest, exp.Group, exp.Having, exp.Identifier, exp.If, exp.In, exp.Intersect,
    exp.Interval, exp.Is, exp.Join, exp.LT, exp.LTE, exp.Lag, exp.Lead, exp.Least, exp.Left, exp.Length,
    exp.Like, exp.Limit, exp.Literal, exp.Lower, exp.Max, exp.Min, exp.Mul, exp.NEQ, exp.Neg, exp.Not,
    exp.Null, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif, exp.Offset, exp.Or, exp.Order, exp.Ordered,
    exp.Paren, exp.Rank, exp.Right, exp.Round, exp.RowNumber, exp.SHA2, exp.Select, exp.Star, exp.Sub,
    exp.Subquery, exp.Substring, exp.Sum, exp.Table, exp.TableAlias, exp.Trim, exp.Tuple, exp.Union,
    exp.Upper, exp.Values, exp.Var, exp.Where, exp.Window, exp.WindowSpec, exp.With, exp.Year, exp.Month,
    exp.Day,
)  # fmt: skip
"""What both dialects read as DuckDB does, after the rewrites."""

CASTS = frozenset(
    {
        "TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "FLOAT", "DECIMAL", "TEXT", "VARCHAR", "DATE",
        "TIMESTAMP", "TIMESTAMPNTZ", "BOOLEAN",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """A dialect of a remote engine.

    Attributes:
        name: sqlglot's.
        default_schema: The remote schema that is shown as `main`.
        wraps_integers: Whether sums and products of integers overflow without a word.
        mixes_having: Whether a subquery inside of HAVING is better taken out.
    """

    name: str
    default_schema: str
    wraps_integers: bool
    mixes_having: bool = False


TARGETS: Mapping[str, Target] = {
    "spark": Target("spark", "default", wraps_integers=True, mixes_having=True),
    "postgres": Target("postgres", "public", wraps_integers=False),
    "duckdb": Target("duckdb", "main", wraps_integers=False),
}


def unfaithful(what: str, target: Target, detail: str = "") -> QueryRefused:
    """Return the refusal of a construct that *target* would read differently."""
    return QueryRefused(
        ErrorCode.QUERY_ERROR,
        f"SQL error: {what} has no faithful form in the dialect '{target.name}' of the table's engine",
        detail=detail,
    )
