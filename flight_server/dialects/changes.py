"""INSERT, UPDATE, DELETE and MERGE: expressions rewritten, VARIANT values fitted to their columns."""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node, call
from flight_server.dialects.coerce import as_text
from flight_server.dialects.kinds import JSON, Kind, is_json, kind_of
from flight_server.dialects.refuse import unsupported, wrong
from flight_server.dialects.rewrite import common_tables, expression, from_clause, query, source
from flight_server.dialects.scope import Columns, Scope
from flight_server.syntax.names import fold

_UNFITTED = '"a VARIANT for a column of unknown type is not supported"'
"""There is no such function: the statement fails, but only after the right to the table was checked."""


def change(node: Node, outer: Scope) -> Node:
    """Rewrite a statement that changes rows, in place."""
    scope = outer.child()
    common_tables(node, scope)
    if isinstance(node, exp.Insert):
        _insert(node, scope)
    elif isinstance(node, exp.Update):
        _update(node, scope)
    elif isinstance(node, exp.Delete):
        _delete(node, scope)
    elif isinstance(node, exp.Merge):
        _merge(node, scope)
    return node


def _target(node: Node, scope: Scope) -> Columns | None:
    table = node.this.this if isinstance(node.this, exp.Schema) else node.this
    if not isinstance(table, exp.Table):
        raise unsupported("a target that is not a table")
    return scope.named(tuple(part.name for part in table.parts))


def overwritten(node: Node) -> tuple[str, ...]:
    """Return the table that an INSERT OVERWRITE empties, and make it an INSERT; nothing for others."""
    if not isinstance(node, exp.Insert) or not node.args.get("overwrite"):
        return ()
    node.set("overwrite", None)
    table = node.this.this if isinstance(node.this, exp.Schema) else node.this
    return tuple(part.name for part in table.parts) if isinstance(table, exp.Table) else ()


def _insert(node: exp.Insert, scope: Scope) -> None:
    columns = _target(node, scope)
    names = [fold(name.name) for name in node.this.expressions] if isinstance(node.this, exp.Schema) else None
    kinds = _kinds(columns, names)
    rows = node.expression
    if isinstance(rows, exp.Values):
        for row in rows.expressions:
            values = row.expressions if isinstance(row, exp.Tuple) else [row]
            row.set(
                "expressions",
                [fitted(expression(value, scope), kind) for value, kind in _paired(values, kinds)],
            )
    elif isinstance(rows, exp.Query):
        query(rows, scope)
        _fit_select(rows, kinds)


def _kinds(columns: Columns | None, names: list[str] | None) -> list[Kind] | None:
    """Return the kinds of the columns that are written, None where the table is not known."""
    if columns is None:
        return None
    return list(columns.values()) if names is None else [columns.get(name, Kind.UNKNOWN) for name in names]


def _paired(values: list[Node], kinds: list[Kind] | None) -> list[tuple[Node, Kind]]:
    known = kinds or []
    return list(zip(values, [*known, *[Kind.UNKNOWN] * len(values)], strict=False))


def _fit_select(rows: Node, kinds: list[Kind] | None) -> None:
    if isinstance(rows, exp.SetOperation):
        for side in (rows.this, rows.expression):
            _fit_select(side, kinds)
    if isinstance(rows, exp.Subquery):
        _fit_select(rows.this, kinds)
    if not isinstance(rows, exp.Select) or any(item.is_star for item in rows.expressions):
        return
    for item, kind in _paired(rows.expressions, kinds):
        if isinstance(item, exp.Alias):
            item.set("this", fitted(item.this, kind))
        elif is_json(item) or kind in JSON:
            item.replace(fitted(item, kind))


def fitted(value: Node, kind: Kind) -> Node:
    """Return *value* as a column of *kind* takes it in Snowflake."""
    if kind in JSON:
        return call("to_json", value, kind=Kind.VARIANT) if kind_of(value) is Kind.TEXT else value
    if not is_json(value):
        return value
    return call(_UNFITTED, value) if kind is Kind.UNKNOWN else as_text(value)


def _update(node: exp.Update, scope: Scope) -> None:
    columns = _target(node, scope)
    _refuse_other_targets(node, node.expressions)
    source(node.this, scope)
    from_clause(node, scope)
    for assignment in node.expressions:
        _assign(assignment, columns, scope)
    _rewrite(node, "where", scope)


def _assign(assignment: Node, columns: Columns | None, scope: Scope) -> None:
    """Rewrite the right side of `column = value`."""
    if not isinstance(assignment, exp.EQ):
        raise unsupported("this assignment")
    _unqualify(assignment)
    kind = (columns or {}).get(fold(assignment.this.name), Kind.UNKNOWN)
    assignment.set("expression", fitted(expression(assignment.expression, scope), kind))


def _refuse_other_targets(node: Node, assignments: list[Node]) -> None:
    """Refuse `SET x.c = ..` where x is not what the target is called."""
    names = {fold(node.this.alias_or_name)}
    for assignment in assignments:
        table = assignment.this.table if isinstance(assignment.this, exp.Column) else ""
        if table and fold(table) not in names:
            raise wrong(f"'{table}' is not the table that is changed")


def _unqualify(assignment: exp.EQ) -> None:
    """Write the column `t.c` that is assigned to as `c`; it can be no other table's."""
    column = assignment.this
    if isinstance(column, exp.Column) and column.table:
        assignment.set("this", exp.Column(this=column.this.copy()))


def _delete(node: exp.Delete, scope: Scope) -> None:
    source(node.this, scope)
    node.set("using", [source(item, scope) for item in node.args.get("using") or []])
    _rewrite(node, "where", scope)


def _merge(node: exp.Merge, scope: Scope) -> None:
    columns = _target(node, scope)
    for when in node.args["whens"].expressions:
        if isinstance(when.args["then"], exp.Update):
            _refuse_other_targets(node, when.args["then"].expressions)
    source(node.this, scope)
    node.set("using", source(node.args["using"], scope))
    _rewrite(node, "on", scope)
    for when in node.args["whens"].expressions:
        _rewrite(when, "condition", scope)
        _branch(when.args["then"], columns, scope)


def _branch(then: Node, columns: Columns | None, scope: Scope) -> None:
    if isinstance(then, exp.Update):
        for assignment in then.expressions:
            _assign(assignment, columns, scope)
    elif isinstance(then, exp.Insert) and isinstance(then.expression, exp.Tuple):
        names = (
            [fold(name.name) for name in then.this.expressions] if isinstance(then.this, exp.Tuple) else None
        )
        pairs = _paired(then.expression.expressions, _kinds(columns, names))
        then.expression.set("expressions", [fitted(expression(value, scope), kind) for value, kind in pairs])


def _rewrite(node: Node, key: str, scope: Scope) -> None:
    if node.args.get(key) is not None:
        node.set(key, expression(node.args[key], scope))
