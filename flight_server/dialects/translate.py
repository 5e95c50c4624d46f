"""From the caller's text to DuckDB's: decide the dialect once, rewrite the whole statement or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.changes import change, overwritten
from flight_server.dialects.copies import Layout, copied
from flight_server.dialects.definitions import check_comment, one_by_one, prepare_definition
from flight_server.dialects.detect import has_snowflake_marks
from flight_server.dialects.identities import make_sequences, sequence_text
from flight_server.dialects.leftovers import refuse_leftovers
from flight_server.dialects.naming import name_outputs
from flight_server.dialects.read import read
from flight_server.dialects.refuse import unreadable, unsupported
from flight_server.dialects.rewrite import expression, query
from flight_server.dialects.scope import Scope, TableColumns
from flight_server.dialects.vector_joins import inner_joins
from flight_server.dialects.write import write
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action, Dialect


@dataclass(frozen=True, slots=True)
class Translation:
    """The text for DuckDB's parser, and whether it was Snowflake's before.

    Attributes:
        before: Statements of ours to run before it, in the same transaction.
        after: Those to run after it.
        also: What the statement does to which table beside what its text says.
        overwrites: Whether an INSERT puts its rows in the place of all that the table had.
    """

    text: str
    translated: bool
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    also: tuple[tuple[Action, tuple[str, ...]], ...] = ()
    overwrites: bool = False


def _no_columns(_: tuple[str, ...]) -> None:
    return None


def _no_layout(_: tuple[str, ...]) -> None:
    return None


def translate(
    sql: str,
    dialect: Dialect,
    accepts: Callable[[str], bool],
    columns: TableColumns = _no_columns,
    layout: Layout = _no_layout,
) -> Translation:
    """Return *sql* as a DuckDB statement, character for character if it is one.

    JOIN_VECTOR is ours and belongs to no dialect: it is an inner join in all of them.

    Args:
        dialect: `auto` takes the text for Snowflake's as soon as one construct is only Snowflake's,
            and otherwise for DuckDB's if DuckDB's parser accepts it.
        accepts: Whether DuckDB's parser takes a text.
        columns: Kinds of the columns of a table, None for a table that is not known.
        layout: The columns of a table as they are defined, likewise.

    Raises:
        QueryRefused: QUERY_PARSE_ERROR for a text that is not Snowflake SQL, QUERY_ERROR for a
            construct without a faithful form, which the message names.
    """
    sql = inner_joins(sql, accepts)
    if dialect == "duckdb":
        return Translation(sql, translated=False)
    if dialect == "snowflake" or has_snowflake_marks(sql, columns):
        return _translation(sql, columns, layout)
    if accepts(sql):
        return Translation(sql, translated=False)
    try:
        return _translation(sql, columns, layout)
    except QueryRefused as refusal:
        if refusal.code is ErrorCode.QUERY_PARSE_ERROR:
            return Translation(sql, translated=False)
        raise


def to_duckdb(sql: str, columns: TableColumns = _no_columns) -> str:
    """Return the DuckDB text of one Snowflake statement."""
    return _translation(sql, columns).text


def _translation(sql: str, columns: TableColumns, layout: Layout = _no_layout) -> Translation:
    explain = _EXPLAIN.match(sql)
    if explain:
        return Translation(f"EXPLAIN {to_duckdb(sql[explain.end() :], columns)}", translated=True)
    try:
        tree = read(sql)
        copy = copied(tree, layout) if isinstance(tree, exp.Create) else None
        if copy is not None:
            return Translation(copy.text, translated=True, after=copy.after, also=copy.also)
        sequence = sequence_text(tree) if isinstance(tree, exp.Create) else ""
        if sequence:
            return Translation(sequence, translated=True)
        for rewrite in (_named, _defined):
            rewrite(tree)
        before = make_sequences(tree, columns)
        target = overwritten(tree)
        tree = _rewritten(tree, Scope(columns))
        refuse_leftovers(tree)
        first, *after = map(write, one_by_one(tree))
        also = ((Action.DELETE, target),) if target else ()
        return Translation(first, True, before, tuple(after), also, overwrites=bool(target))
    except RecursionError:
        raise unsupported("a statement nested this deeply") from None


def _named(tree: Node) -> None:
    name_outputs(tree)


def _defined(tree: Node) -> None:
    if isinstance(tree, (exp.Create, exp.Drop, exp.Alter)):
        prepare_definition(tree)


def _rewritten(tree: Node, scope: Scope) -> Node:
    if isinstance(tree, exp.Query):
        query(tree, scope)
        return tree
    if isinstance(tree, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        return change(tree, scope)
    if isinstance(tree, exp.Create):
        return _created(tree, scope)
    if isinstance(tree, exp.Use):
        return _used(tree)
    if isinstance(tree, exp.TruncateTable):
        tree.set("exists", None)  # Of a table that is not there, the engine says so.
    if isinstance(tree, exp.Comment):
        check_comment(tree)
        return tree
    if isinstance(tree, _PLAIN):
        return tree
    if isinstance(tree, exp.Command):
        raise unsupported(str(tree.this).upper())
    if isinstance(tree, _OTHER_STATEMENTS):
        raise unsupported(type(tree).__name__.upper())
    raise unreadable("the text is not a statement")


def _used(tree: exp.Use) -> Node:
    """Return `USE SCHEMA s` as DuckDB's `USE s`."""
    kind = tree.args.get("kind")
    if kind is not None and kind.name.upper() not in ("SCHEMA", "DATABASE"):
        raise unsupported(f"USE {kind.name.upper()}")
    tree.set("kind", None)
    return tree


def _created(tree: exp.Create, scope: Scope) -> Node:
    if isinstance(tree.expression, exp.Query):
        query(tree.expression, scope)
    for default in list(tree.find_all(exp.DefaultColumnConstraint)):
        default.set("this", expression(default.this, scope))
    return tree


_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(?:USING\s+(?:TEXT|TABULAR|JSON)\s+)?", re.IGNORECASE)
_PLAIN = (
    exp.Drop,
    exp.Alter,
    exp.TruncateTable,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
    exp.Use,
    exp.Describe,
)
_OTHER_STATEMENTS = (
    exp.Copy,
    exp.Grant,
    exp.Kill,
    exp.MultitableInserts,
    exp.Put,
    exp.Get,
    exp.Set,
    exp.Show,
    exp.Undrop,
)
