"""The secured statement, which DuckDB's parser has printed, as the text that a remote engine runs.

It begins with DuckDB's own text and ends with a reader of the other dialect:
what that reader finds must be the tables that were put there, or nothing runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flight_server.dialects.outward.families import Families
from flight_server.dialects.outward.having import without_having
from flight_server.dialects.outward.rewrites import Rewriter, hashes, intervals, texts
from flight_server.dialects.outward.tables import RemoteTable, place_tables
from flight_server.dialects.outward.targets import SHARED, Target, unfaithful
from flight_server.dialects.outward.values import bind
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Scalar, TableName
from flight_server.syntax.names import fold

_ARGUMENTS: Mapping[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset(
        {
            "expressions",
            "from_",
            "joins",
            "where",
            "group",
            "having",
            "order",
            "limit",
            "offset",
            "distinct",
            "with_",
        }
    ),
    exp.Union: frozenset({"this", "expression", "distinct", "with_", "order", "limit", "offset"}),
    exp.Except: frozenset({"this", "expression", "distinct", "with_", "order", "limit", "offset"}),
    exp.Intersect: frozenset({"this", "expression", "distinct", "with_", "order", "limit", "offset"}),
    exp.Subquery: frozenset({"this", "alias", "joins", "with_", "order", "limit", "offset"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.Group: frozenset({"expressions"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Star: frozenset(),
    exp.Limit: frozenset({"expression"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "over"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.Interval: frozenset({"this", "unit"}),
    exp.Extract: frozenset({"this", "expression"}),
}
"""What may hang on a node; whatever else is there is refused."""

_JOIN_KINDS = frozenset({"", "INNER", "CROSS", "OUTER"})
_FEW_COLUMNS = 256
SOURCE = "t_"


@dataclass(frozen=True, slots=True)
class Outward:
    """A statement as a remote engine reads it."""

    sql: str
    tables: tuple[RemoteTable, ...]


def translate_out(
    sql: str,
    target: Target,
    shadow: str,
    tables: Mapping[TableName, RemoteTable],
    values: Sequence[Scalar] = (),
    secret: tuple[str, str] = ("", ""),
) -> Outward:
    """Return *sql*, a query over the shadow catalog, in the dialect of *target*.

    Args:
        shadow: The shadow catalog's name.
        tables: What its tables stand for.
        values: Those of its parameters.
        secret: A word that must not leave, and what stands for it outside.

    Raises:
        QueryRefused: QUERY_ERROR for what has no faithful form; POLICY_DENIED if the text,
            read once more, reads anything but those tables.
    """
    try:
        tree: exp.Expr = sqlglot.parse_one(sql, dialect="duckdb")
    except (SqlglotError, RecursionError) as error:
        raise unfaithful("this form of query", target, str(error)) from None
    bind(tree, values, target)
    tree = _rewritten(tree, target, Families(fold(shadow), tables))
    _refuse_strange(tree, target)
    if target.mixes_having:
        tree = without_having(tree, target)
    _name_values(tree, target)
    _fold_names(tree, secret)
    _strip_paths(tree)
    placed = place_tables(tree, fold(shadow), tables, target)
    _rename_sources(tree)
    for last in (hashes, texts):
        tree = tree.transform(lambda node, last=last: last(node, target))
    text = tree.sql(dialect=target.name, comments=False, unsupported_level=sqlglot.ErrorLevel.IGNORE)
    _read_again(text, placed, target)
    if secret[0] and secret[0] in text:
        raise unfaithful("this form of query", target, "the nonce would leave")
    return Outward(text, placed)


def _rewritten(tree: exp.Expr, target: Target, families: Families) -> exp.Expr:
    """Return *tree* with every node rewritten, children first; what DuckDB prints in casts, before that."""
    tree = tree.transform(lambda node: intervals(node, target))
    rewriter = Rewriter(target, families)
    for node in reversed(list(tree.walk(bfs=True))):
        written = rewriter.rewritten(node)
        if written is not node:
            if node is tree:
                tree = written
            node.replace(written)
    return tree


def _refuse_strange(tree: exp.Expr, target: Target) -> None:
    """Refuse what is on no list."""
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            keyed = node.name.startswith("__hmac_")
            what = "a keyed hash inside of an expression" if keyed else f"function '{node.name}'"
            raise unfaithful(what, target)
        if type(node) not in SHARED:
            raise unfaithful(f"'{type(node).__name__}'", target)
        known = _ARGUMENTS.get(type(node))
        if known is not None and any(node.args[key] for key in node.args if key not in known):
            strange = sorted(key for key in node.args if key not in known and node.args[key])
            if strange != ["materialized"] or not isinstance(node, exp.CTE):
                raise unfaithful(f"'{type(node).__name__}' with {', '.join(strange)}", target)
            node.set("materialized", None)
        if isinstance(node, exp.Join) and (node.kind.upper() not in _JOIN_KINDS):
            raise unfaithful(f"a {node.kind} join", target)
        if isinstance(node, exp.Limit) and not isinstance(node.expression, exp.Literal):
            raise unfaithful("LIMIT by an expression", target)


def _name_values(tree: exp.Expr, target: Target) -> None:
    """Give the columns of VALUES the names that DuckDB gives them."""
    for node in tree.find_all(exp.Values):
        row = node.expressions[0] if node.expressions else None
        width = len(row.expressions) if isinstance(row, exp.Tuple) else 0
        alias = node.args.get("alias")
        holder = node if alias is not None else node.parent
        alias = holder.args.get("alias") if holder is not None else None
        if not 0 < width < _FEW_COLUMNS or not isinstance(alias, exp.TableAlias):
            raise unfaithful("VALUES without a name", target)
        if not alias.columns:
            alias.set("columns", [exp.to_identifier(f"col{index}") for index in range(width)])


def _fold_names(tree: exp.Expr, secret: tuple[str, str]) -> None:
    """Write every name in the case that the projections of the tables give, and quoted."""
    word, stand_in = secret
    for node in tree.find_all(exp.Identifier):
        name = fold(node.name)
        placed = isinstance(node.parent, exp.Table) and node.arg_key in ("db", "catalog")
        node.set("this", name.replace(word, stand_in) if word and not placed else name)
        node.set("quoted", True)


def _strip_paths(tree: exp.Expr) -> None:
    """Leave of a column's path the table at most; schemas and catalogs are other ones outside."""
    for node in tree.find_all(exp.Column):
        node.set("db", None)
        node.set("catalog", None)


def _rename_sources(tree: exp.Expr) -> None:
    """Give every source of a FROM clause a name that no table has; Sail 0.7 confuses the two.

    Names are changed alike everywhere, so scopes stay what they were.
    """
    for number, node in enumerate(tree.find_all(exp.Table)):
        if node.db and not node.args.get("alias"):
            node.set("alias", exp.TableAlias(this=exp.to_identifier(f"{number}", quoted=True)))
        elif not node.args.get("alias"):
            node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
    for alias in tree.find_all(exp.TableAlias):
        if not isinstance(alias.parent, exp.CTE):
            alias.set("this", _named_source(alias.name))
    for column in tree.find_all(exp.Column):
        if column.table:
            column.set("table", _named_source(column.table))


def _named_source(name: str) -> exp.Identifier:
    return exp.to_identifier(SOURCE + fold(name), quoted=True)


def _read_again(text: str, placed: Sequence[RemoteTable], target: Target) -> None:
    """Refuse a text in which the other dialect's reader finds other tables than were put there."""
    try:
        trees = sqlglot.parse(text, dialect=target.name)
    except SqlglotError as error:
        raise unfaithful("this form of query", target, str(error)) from None
    found: Counter[tuple[str, ...]] = Counter()
    expressions = {cte.alias for tree in trees if tree is not None for cte in tree.find_all(exp.CTE)}
    for tree in trees:
        for node in tree.find_all(exp.Table) if tree is not None else ():
            path = tuple(part.name for part in node.parts)
            if len(path) > 1 or path[0] not in expressions:
                found[path] += 1
    same = len(trees) == 1 and trees[0] is not None and isinstance(trees[0], exp.Query)
    if not same or found != Counter(table.path for table in placed):
        raise QueryRefused(
            ErrorCode.POLICY_DENIED,
            "This form of query is not permitted",
            detail=f"outward text reads {found}",
        )
