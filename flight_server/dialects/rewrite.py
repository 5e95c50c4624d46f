"""The walk over the tree: queries from the inside out, in each its sources before its expressions."""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects import flatten, generators, objects, paths, sources
from flight_server.dialects.bounds import check_growth
from flight_server.dialects.build import Node
from flight_server.dialects.families import rewritten
from flight_server.dialects.identities import next_number
from flight_server.dialects.kinds import Kind, kind_of, typed
from flight_server.dialects.ordering import expanded
from flight_server.dialects.refuse import unreadable, unsupported
from flight_server.dialects.scope import Columns, Scope, output, renamed
from flight_server.syntax.names import fold

_FIRST = ("with_", "from_", "joins", "laterals", "expressions")
_NO_COLUMNS = (exp.TableAlias, exp.DataType, exp.JSONPath, exp.Var, exp.Identifier)


def expression(node: Node, scope: Scope) -> Node:
    """Return *node* rewritten, with everything inside it."""
    if isinstance(node, (exp.Select, exp.SetOperation)):
        query(node, scope)
        return node
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
        return _scalar(node, scope)
    if isinstance(node, _NO_COLUMNS):
        return node
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        number = next_number(node, scope.has_source(fold(node.table)))
        return typed(node, scope.kind(node)) if number is None else number
    if isinstance(node, exp.Lambda):
        _type_parameters(node)
    if isinstance(node, exp.Anonymous):
        objects.name_columns(node, scope)
    _children(node, scope)
    made = rewritten(node)
    if made is not node:
        check_growth(made)
    return made


def _children(node: Node, scope: Scope, first: tuple[str, ...] = ()) -> None:
    """Rewrite the arguments of *node* in place, those named in *first* before the others."""
    for key in (*first, *(key for key in node.args if key not in first)):
        value = node.args.get(key)
        if isinstance(value, list):
            node.set(key, [_argument(item, scope) for item in value])
        elif isinstance(value, exp.Expr):
            node.set(key, _argument(value, scope))
    if isinstance(node, exp.Order):
        node.set("expressions", expanded(node.expressions))


def _argument(value: object, scope: Scope) -> object:
    return expression(value, scope) if isinstance(value, exp.Expr) else value


def _type_parameters(node: exp.Lambda) -> None:
    """The parameter of a lambda is an element of an array, a VARIANT."""
    names = {fold(parameter.name) for parameter in node.expressions}
    for found in node.this.find_all(exp.Identifier, exp.Column):
        if fold(found.name) in names and not isinstance(found.parent, exp.Column):
            typed(found, Kind.VARIANT)
            if isinstance(found, exp.Column):
                found.replace(typed(exp.to_identifier(found.name), Kind.VARIANT))


def _scalar(node: exp.Subquery, scope: Scope) -> Node:
    columns = query(node.this, scope.child())
    return typed(node, next(iter(columns.values()), Kind.UNKNOWN) if columns else Kind.UNKNOWN)


def query(node: Node, outer: Scope) -> Columns | None:
    """Rewrite a query in place and return the kinds of its columns."""
    if isinstance(node, exp.Subquery):
        return query(node.this, outer)
    if isinstance(node, exp.SetOperation):
        return _set_operation(node, outer)
    if not isinstance(node, exp.Select):
        raise unsupported(f"{type(node).__name__} as a query")
    return _select(node, outer)


def _set_operation(node: exp.SetOperation, outer: Scope) -> Columns | None:
    scope = outer.child()
    common_tables(node, scope)
    left = query(node.this, scope)
    recursive = node.meta.get("recursive")
    if isinstance(recursive, tuple):
        name, alias = recursive
        scope.expressions[name] = renamed(left, alias)
    right = query(node.expression, scope)
    scope.aliases.update(left or {})
    for key in ("order", "limit", "offset"):
        if node.args.get(key) is not None:
            node.set(key, expression(node.args[key], scope))
    return _merged(left, right)


def _merged(left: Columns | None, right: Columns | None) -> Columns | None:
    """Return the columns of a set operation; where the sides differ, the kind is not known."""
    if left is None or right is None or len(left) != len(right):
        return left if right is None else None
    pairs = zip(left.items(), right.values(), strict=True)
    return {name: kind if other in (kind, Kind.NULL) else Kind.UNKNOWN for (name, kind), other in pairs}


def _select(node: exp.Select, outer: Scope) -> Columns | None:
    scope = outer.child()
    if not node.expressions:
        raise unreadable("a SELECT without columns")
    sources.prepare(node)
    common_tables(node, scope)
    from_clause(node, scope)
    flatten.number_rows(node)
    node.set("expressions", [_projection(item, scope) for item in node.expressions])
    for key in [key for key in node.args if key not in _FIRST]:
        value = node.args[key]
        if isinstance(value, list):
            node.set(key, [_argument(item, scope) for item in value])
        elif isinstance(value, exp.Expr):
            node.set(key, expression(value, scope))
    paths.keep_grouped(node)
    generators.number_by_row(node)
    return output(node, scope)


def _projection(item: Node, scope: Scope) -> Node:
    made = expression(item, scope)
    if isinstance(made, exp.Alias):
        scope.aliases[fold(made.alias)] = kind_of(made)
    return made


def common_tables(node: Node, scope: Scope) -> None:
    """Rewrite the common table expressions of *node*, each of which sees those before it."""
    clause = node.args.get("with_")
    recursive = clause is not None and bool(clause.args.get("recursive"))
    for table in clause.expressions if clause is not None else []:
        name, alias = fold(table.alias), table.args.get("alias")
        if recursive and isinstance(table.this, exp.SetOperation):
            scope.expressions[name] = None
            table.this.meta["recursive"] = (name, alias)
        scope.expressions[name] = renamed(query(table.this, scope), alias)


def from_clause(node: Node, scope: Scope) -> None:
    """Rewrite FROM and the joins, each of which sees the sources before it."""
    clause = node.args.get("from_")
    if clause is not None:
        clause.set("this", source(clause.this, scope))
    for join in node.args.get("joins") or []:
        join.set("this", source(join.this, scope))
        sources.complete_join(join)
    for lateral in node.args.get("laterals") or []:
        raise unsupported(f"LATERAL {lateral.this}")
    for join in node.args.get("joins") or []:
        if join.args.get("on") is not None:
            join.set("on", expression(join.args["on"], scope))


def source(node: Node, scope: Scope) -> Node:
    """Return one item of FROM rewritten, and make its columns known to *scope*."""
    alias = node.args.get("alias")
    made, columns = _source(node, scope)
    name = fold(node.alias_or_name) if node.alias_or_name else f"${len(scope.sources)}"
    scope.sources[name] = renamed(columns, alias if isinstance(alias, exp.TableAlias) else None)
    return made


def _source(node: Node, scope: Scope) -> tuple[Node, Columns | None]:
    if isinstance(node, exp.Table):
        sources.check_table(node)
        for pivot in node.args.get("pivots") or []:
            sources.pivot(pivot)
        for join in node.args.get("joins") or []:
            join.set("this", source(join.this, scope))
            if join.args.get("on") is not None:
                join.set("on", expression(join.args["on"], scope))
        columns = scope.named(tuple(part.name for part in node.parts))
        return node, None if node.args.get("pivots") else columns
    if isinstance(node, exp.Subquery):
        return _derived(node, scope)
    if isinstance(node, exp.Values):
        _children(node, scope)
        return sources.values(node)
    if isinstance(node, (exp.Lateral, exp.TableFromRows)):
        return _table_function(node, scope)
    raise unsupported(f"{type(node).__name__} in FROM")


def _derived(node: exp.Subquery, scope: Scope) -> tuple[Node, Columns | None]:
    for pivot in node.args.get("pivots") or []:
        sources.pivot(pivot)
    if isinstance(node.this, exp.Query):
        columns = query(node.this, scope.child())
        return node, None if node.args.get("pivots") else columns
    node.set("this", source(node.this, scope))
    from_clause(node, scope)
    return node, None


def _table_function(node: Node, scope: Scope) -> tuple[Node, Columns | None]:
    """Rewrite `LATERAL f(..)` or `TABLE(f(..))`, whose arguments see the sources before them."""
    inner = node.this
    if isinstance(inner, exp.Subquery) and isinstance(node, exp.Lateral):
        columns = query(inner.this, scope.child())
        return node, columns
    if not isinstance(inner, exp.Anonymous):
        raise unsupported("TABLE(..) of this argument")
    for argument in inner.expressions:
        if isinstance(argument, exp.Kwarg):
            argument.set("expression", expression(argument.expression, scope))
    inner.set(
        "expressions",
        [item if isinstance(item, exp.Kwarg) else expression(item, scope) for item in inner.expressions],
    )
    return sources.table_function(node, inner, correlated=bool(scope.sources))
