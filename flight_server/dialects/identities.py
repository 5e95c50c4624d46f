"""AUTOINCREMENT and IDENTITY: a sequence that is made with its table and gives the column its default.

DuckDB has no such columns. The statements that make the sequences run before the CREATE TABLE, in
one transaction with it; a sequence of the same name that no table uses any more is made anew.
"""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node, call, literal_integer, text
from flight_server.dialects.kinds import Kind
from flight_server.dialects.refuse import unsupported
from flight_server.dialects.scope import TableColumns
from flight_server.syntax.names import PUBLIC_CATALOG, fold, quote

_IDENTITY = (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)
_WIDEST = f"MINVALUE {-(1 << 63)} MAXVALUE {(1 << 63) - 1}"


def make_sequences(tree: Node, columns: TableColumns) -> tuple[str, ...]:
    """Give the identity columns of *tree* their defaults; return the statements to run before it.

    Of a table that is there already nothing changes, unless it is to be replaced.

    Raises:
        QueryRefused: QUERY_ERROR, for an identity that no new table of its own has.
    """
    found = [(column, item) for column in tree.find_all(exp.ColumnDef) for item in _identities(column)]
    if not found:
        return ()
    if not isinstance(tree, exp.Create) or tree.expression is not None:
        raise unsupported("AUTOINCREMENT outside of CREATE TABLE with columns")
    parts = [part.name for part in tree.this.find(exp.Table).parts]
    if len(parts) > 1 and fold(parts[0]) == PUBLIC_CATALOG:
        parts = parts[1:]
    if any(tree.find_all(exp.TemporaryProperty)):
        return _make_temporary(found, parts, bool(tree.args.get("replace")))
    replaces, exists = bool(tree.args.get("replace")), columns(tuple(parts)) is not None
    before = [f"DROP TABLE IF EXISTS {_path(parts)}"] if replaces else []
    for column, item in found:
        name = _path([*parts[:-1], f"{parts[-1]}_{column.name}_seq"])
        start, step = _numbers(item.args["kind"])
        before.append(f"CREATE OR REPLACE SEQUENCE {name} START WITH {start} INCREMENT BY {step} {_WIDEST}")
        item.set("kind", exp.DefaultColumnConstraint(this=call("nextval", text(name))))
    if exists and not replaces:
        for _, item in found:
            item.pop()
        return ()
    return tuple(before)


def sequence_text(tree: exp.Create) -> str:
    """Return a CREATE SEQUENCE in DuckDB's words; empty for the definition of anything else."""
    if str(tree.args.get("kind") or "").upper() != "SEQUENCE" or not isinstance(tree.this, exp.Table):
        return ""
    start, step = _numbers(tree.find(exp.SequenceProperties) or exp.SequenceProperties())
    head = "CREATE OR REPLACE SEQUENCE" if tree.args.get("replace") else "CREATE SEQUENCE"
    unless = "IF NOT EXISTS " if tree.args.get("exists") else ""
    name = _path([part.name for part in tree.this.parts])
    return f"{head} {unless}{name} START WITH {start} INCREMENT BY {step} {_WIDEST}"


def next_number(column: exp.Column, is_source: bool) -> Node | None:
    """Return what `sequence.NEXTVAL` stands for, None for a column of a source.

    Args:
        is_source: Whether what stands before the point is a table of the query.
    """
    parts = [part.name for part in column.parts]
    if len(parts) == 1 or is_source or fold(parts[-1]) != "nextval" or column.this.quoted:
        return None
    made = call("nextval", text(_path(parts[:-1])), kind=Kind.INTEGER)
    return exp.alias_(made, column.name) if isinstance(column.parent, exp.Select) else made


def _identities(column: exp.ColumnDef) -> list[exp.ColumnConstraint]:
    constraints = column.args.get("constraints") or []
    return [item for item in constraints if isinstance(item.args.get("kind"), _IDENTITY)]


def _make_temporary(
    found: list[tuple[exp.ColumnDef, exp.ColumnConstraint]], parts: list[str], replaces: bool
) -> tuple[str, ...]:
    """Give the columns of a temporary table sequences of the session's own."""
    before = [f"DROP TABLE IF EXISTS temp.main.{quote(parts[-1])}"] if replaces else []
    for column, item in found:
        name = _path(["temp", "main", f"{parts[-1]}_{column.name}_seq"])
        start, step = _numbers(item.args["kind"])
        before.append(
            f"CREATE OR REPLACE TEMPORARY SEQUENCE {name} START WITH {start} INCREMENT BY {step} {_WIDEST}"
        )
        item.set("kind", exp.DefaultColumnConstraint(this=call("nextval", text(name))))
    return tuple(before)


def _numbers(kind: Node) -> tuple[int, int]:
    """Return where an identity starts and by how much it grows."""
    given = [kind.args.get(key) for key in ("start", "increment")]
    numbers = [1 if value is None else literal_integer(value) for value in given]
    if None in numbers or numbers[1] == 0:
        raise unsupported("AUTOINCREMENT with such numbers")
    return numbers[0] or 0, numbers[1] or 1


def _path(parts: list[str]) -> str:
    return ".".join(map(quote, parts))
