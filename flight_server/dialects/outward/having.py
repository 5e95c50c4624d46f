"""A HAVING with a subquery in it as a WHERE around the aggregation, for engines that mix up the two scopes.

Sail 0.7 looks for the outer query's columns inside of such a subquery when one of
the sources is a derived table, as secured tables are.
"""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.outward.targets import Target, unfaithful

_HELD = "held"


def without_having(tree: exp.Expr, target: Target) -> exp.Expr:
    """Return *tree* with every HAVING that holds a subquery turned into a WHERE."""
    for select in list(tree.find_all(exp.Select)):
        having = select.args.get("having")
        if having is not None and having.find(exp.Select) is not None:
            written = _around(select, target)
            if select is tree:
                return written
            select.replace(written)
    return tree


def _around(select: exp.Select, target: Target) -> exp.Select:
    """Return a query over *select*, which then computes what its HAVING and its ORDER BY compare, too."""
    if select.args.get("distinct") or any(item.is_star for item in select.expressions):
        raise unfaithful("DISTINCT or * with such a HAVING", target)
    outer = exp.Select()
    inner = select.copy()
    names = [item.alias_or_name for item in inner.expressions]
    inner.set("expressions", [_named(item.unalias(), f"o{n}") for n, item in enumerate(inner.expressions)])
    condition = inner.args["having"].this
    inner.set("having", None)
    held: list[exp.Expr] = []
    outer.set("where", exp.Where(this=_lifted(condition, held)))
    for key in ("order", "limit", "offset", "with_"):
        outer.set(key, inner.args.get(key))
        inner.set(key, None)
    for ordered in outer.args["order"].expressions if outer.args.get("order") else ():
        _lift_order(ordered, names, held)
    for number, value in enumerate(held):
        inner.append("expressions", _named(value, f"h{number}"))
    columns = [exp.alias_(_held(f"o{n}"), name or f"o{n}", quoted=True) for n, name in enumerate(names)]
    outer.set("expressions", columns)
    alias = exp.TableAlias(this=exp.to_identifier(_HELD, quoted=True))
    outer.set("from_", exp.From(this=exp.Subquery(this=inner, alias=alias)))
    return outer


def _lift_order(ordered: exp.Ordered, names: list[str], held: list[exp.Expr]) -> None:
    """Have an ORDER BY name what the query around can see."""
    value = ordered.this
    if isinstance(value, exp.Literal):
        return
    if isinstance(value, exp.Column) and not value.table and value.name in names:
        ordered.set("this", _held(f"o{names.index(value.name)}"))
        return
    held.append(value.copy())
    ordered.set("this", _held(f"h{len(held) - 1}"))


def _lifted(condition: exp.Expr, held: list[exp.Expr]) -> exp.Expr:
    """Return *condition* with the aggregates and columns outside of its subqueries named instead."""

    def lift(node: exp.Expr) -> exp.Expr:
        if isinstance(node, (exp.AggFunc, exp.Column)):
            held.append(node.copy())
            return _held(f"h{len(held) - 1}")
        if isinstance(node, exp.Query):
            return node
        for key, value in list(node.args.items()):
            if isinstance(value, exp.Expr):
                node.set(key, lift(value))
            elif isinstance(value, list):
                node.set(key, [lift(item) if isinstance(item, exp.Expr) else item for item in value])
        return node

    return lift(condition.copy())


def _named(value: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(value, name, quoted=True)


def _held(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(_HELD, quoted=True))
