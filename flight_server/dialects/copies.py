"""CREATE TABLE .. CLONE and .. LIKE: a new table with the columns of another, and for CLONE its rows.

DuckDB has neither. The rows come by CREATE TABLE .. AS SELECT, which says itself what it
reads; defaults and NOT NULL are set afterwards, in the same transaction. Primary keys and
UNIQUE are not taken along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from flight_server.dialects.refuse import unsupported
from flight_server.model import Action
from flight_server.stores.catalog import Column
from flight_server.syntax.names import PUBLIC_CATALOG, fold, quote

Layout = Callable[[tuple[str, ...]], tuple[Column, ...] | None]
"""From the parts of a table's name to its columns as they are defined, None where it is not known."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The statement that makes the new table, those after it, and the table it looks at."""

    text: str
    after: tuple[str, ...]
    also: tuple[tuple[Action, tuple[str, ...]], ...] = ()


def copied(tree: exp.Create, layout: Layout) -> Copy | None:
    """Return what makes the table that *tree* copies, None if it copies none.

    Raises:
        QueryRefused: QUERY_ERROR, for a copy of anything but a table as it is now.
    """
    clone = tree.args.get("clone")
    like = tree.find(exp.LikeProperty)
    if clone is None and like is None:
        return None
    construct = "CLONE" if clone is not None else "LIKE"
    source = clone.this if clone is not None else like.this  # type: ignore[union-attr]  # one of them is there
    kind = str(tree.args.get("kind") or "").upper()
    if kind != "TABLE" or not isinstance(source, exp.Table) or not isinstance(tree.this, exp.Table):
        raise unsupported(f"CREATE {kind} .. {construct}")
    if any(source.args.get(key) for key in ("when", "version", "changes")):
        raise unsupported("time travel (AT, BEFORE, CHANGES)")
    target, parts = _parts(tree.this), _parts(source)
    columns = layout(parts)
    exists = bool(tree.args.get("exists")) and layout(target) is not None
    if like is not None and columns is not None:
        listed = ", ".join(map(_defined, columns))
        return Copy(f"{_create(tree, target)} ({listed})", (), ((Action.SELECT, parts),))
    select = f"SELECT * FROM {_path(parts)}" + (" LIMIT 0" if like is not None else "")
    after = () if exists else _alterations(target, columns or ())
    return Copy(f"{_create(tree, target)} AS {select}", after)


def _create(tree: exp.Create, target: Sequence[str]) -> str:
    replaces = "OR REPLACE " if tree.args.get("replace") else ""
    temporary = "TEMPORARY " if tree.find(exp.TemporaryProperty) else ""
    unless = "IF NOT EXISTS " if tree.args.get("exists") else ""
    return f"CREATE {replaces}{temporary}TABLE {unless}{_path(target)}"


def _defined(column: Column) -> str:
    default = f" DEFAULT ({column.default})" if column.default else ""
    return f"{quote(column.name)} {column.type}{default}" + ("" if column.nullable else " NOT NULL")


def _alterations(target: Sequence[str], columns: Sequence[Column]) -> tuple[str, ...]:
    """Return what gives the columns of a filled table their defaults and NOT NULL."""
    made = []
    for column in columns:
        start = f"ALTER TABLE {_path(target)} ALTER COLUMN {quote(column.name)} SET"
        made += [f"{start} DEFAULT ({column.default})"] if column.default else []
        made += [] if column.nullable else [f"{start} NOT NULL"]
    return tuple(made)


def _parts(table: exp.Table) -> tuple[str, ...]:
    parts = tuple(part.name for part in table.parts)
    return parts[1:] if len(parts) > 1 and fold(parts[0]) == PUBLIC_CATALOG else parts


def _path(parts: Sequence[str]) -> str:
    return ".".join(map(quote, parts))
