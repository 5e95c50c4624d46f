"""The old outer join `a.id = b.id(+)`, as the LEFT JOIN that it means."""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.refuse import unsupported
from flight_server.syntax.names import fold

_NAME = "the outer join operator (+)"


def rewrite(select: exp.Select) -> None:
    """Turn the tables whose columns are marked with `(+)` into LEFT JOINs, in place."""
    where = select.args.get("where")
    if where is None or not _marks(where):
        return
    joins = select.args.get("joins") or []
    if any(join.args.get("on") or join.args.get("using") or join.side or join.kind for join in joins):
        raise unsupported(f"{_NAME} together with JOIN")
    conditions: dict[str, list[Node]] = {}
    kept: list[Node] = []
    for part in _conjuncts(where.this):
        marked = {fold(column.table) for column in _marks(part)}
        if not marked:
            kept.append(part)
            continue
        conditions.setdefault(_only(marked, part), []).append(_unmarked(part))
    _join(select, conditions)
    select.set("where", exp.Where(this=exp.and_(*kept, copy=False)) if kept else None)


def _marks(node: Node) -> list[exp.Column]:
    return [column for column in node.find_all(exp.Column) if column.args.get("join_mark")]


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, exp.And):
        return [*_conjuncts(node.this), *_conjuncts(node.expression)]
    if isinstance(node, exp.Paren) and isinstance(node.this, exp.And):
        return _conjuncts(node.this)
    return [node]


def _only(marked: set[str], part: Node) -> str:
    """Return the one table that a condition marks."""
    if len(marked) != 1 or "" in marked:
        raise unsupported(f"{_NAME} on a column without its table, or on two tables at once")
    if part.find(exp.Or, exp.Query):
        raise unsupported(f"{_NAME} together with OR or a subquery")
    table = marked.pop()
    plain = {fold(column.table) for column in part.find_all(exp.Column) if not column.args.get("join_mark")}
    if table in plain or "" in plain:
        raise unsupported(f"{_NAME} on one side only of a condition on the same table")
    return table


def _unmarked(part: Node) -> Node:
    for column in _marks(part):
        column.set("join_mark", None)
    return part


def _join(select: exp.Select, conditions: dict[str, list[Node]]) -> None:
    """Put each marked table behind the tables that its conditions name."""
    clause, joins = select.args["from_"], select.args.get("joins") or []
    sources = [clause.this, *(join.this for join in joins)]
    order = _ordered([fold(source.alias_or_name) for source in sources], conditions)
    if order != [fold(source.alias_or_name) for source in sources] and _has_star(select):
        raise unsupported(f"{_NAME} with * and the outer table first", "name the columns")
    by_name = {fold(source.alias_or_name): source for source in sources}
    clause.set("this", by_name[order[0]])
    select.set("joins", [_joined(by_name[name], conditions.get(name)) for name in order[1:]])


def _ordered(names: list[str], conditions: dict[str, list[Node]]) -> list[str]:
    if set(conditions) - set(names):
        raise unsupported(f"{_NAME} on a table that is not in FROM")
    needs = {
        name: {fold(column.table) for part in parts for column in part.find_all(exp.Column)} - {name}
        for name, parts in conditions.items()
    }
    placed: list[str] = []
    waiting = list(names)
    while waiting:
        ready = next(
            (
                name
                for name in waiting
                if needs.get(name, set()) <= set(placed) and (placed or name not in needs)
            ),
            None,
        )
        if ready is None:
            raise unsupported(f"{_NAME} in a circle")
        placed.append(ready)
        waiting.remove(ready)
    return placed


def _joined(source: Node, conditions: list[Node] | None) -> exp.Join:
    if conditions is None:
        return exp.Join(this=source)
    return exp.Join(this=source, side="LEFT", on=exp.and_(*conditions, copy=False))


def _has_star(select: exp.Select) -> bool:
    return any(item.is_star for item in select.expressions)
