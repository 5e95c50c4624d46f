"""START WITH .. CONNECT BY over one table: a recursive common table expression that carries the level.

The rows of START WITH are level 1; each further level joins the table to the rows found last,
which PRIOR names. A WHERE chooses among the rows that were found, as in Oracle. A cycle in the
data has no end: it runs into the time limit.
"""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.read import written_name
from flight_server.dialects.refuse import unsupported
from flight_server.syntax.names import fold

_TREE, _PRIOR, _LEVEL = "$tree", "$prior", "$level"


def rewrite_hierarchy(select: exp.Select) -> None:
    """Put the recursive query in the place of the one table that *select* reads, in place.

    Raises:
        QueryRefused: QUERY_ERROR, for a form without a faithful counterpart.
    """
    connect = select.args.get("connect")
    if connect is None:
        return
    source = _only_source(select)
    _refuse_forms(connect, source)
    select.set("connect", None)
    name = source.alias_or_name
    carried = _carried(select, name)
    first = _step(source, name, exp.Literal.number(1), [column for column, _, _ in carried])
    first.set("where", exp.Where(this=connect.args["start"]) if connect.args.get("start") else None)
    level = exp.Add(this=_of_prior(_LEVEL), expression=exp.Literal.number(1))
    following = _step(source.copy(), name, level, [column for _, column, _ in carried])
    condition = _connected(connect.args["connect"], name)
    prior = exp.Table(this=exp.to_identifier(_TREE, quoted=True), alias=exp.TableAlias(this=_quoted(_PRIOR)))
    following.set("joins", [exp.Join(this=prior, kind="INNER", on=condition)])
    _place(select, name, exp.Union(this=first, expression=following, distinct=False), len(carried))


def _only_source(select: exp.Select) -> Node:
    """Return the one table that *select* reads."""
    clause = select.args.get("from_")
    source = clause.this if clause is not None and not select.args.get("joins") else None
    plain = isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier)
    if source is None or not (plain or isinstance(source, exp.Subquery)) or not source.alias_or_name:
        raise unsupported("CONNECT BY over anything but one table")
    made: Node = source
    return made


def _refuse_forms(connect: Node, source: Node) -> None:
    if source.args.get("pivots") or source.args.get("sample"):
        raise unsupported("CONNECT BY over a pivot or a sample")
    if connect.args.get("nocycle"):
        raise unsupported("CONNECT BY NOCYCLE")
    if not any(connect.args["connect"].find_all(exp.Prior)):
        raise unsupported("CONNECT BY without PRIOR")
    if connect.find(exp.Query) is not None:
        raise unsupported("a subquery in CONNECT BY")


def _carried(select: exp.Select, name: str) -> list[tuple[Node, Node, str]]:
    """Replace every root and path in *select* by a column; return what makes it, first and in each step."""
    found: list[tuple[Node, Node, str]] = []
    for node in list(select.find_all(exp.ConnectByRoot, exp.Anonymous)):
        if node.find_ancestor(exp.Select) is not select:
            continue
        column = f"$carried{len(found) + 1}"
        if isinstance(node, exp.ConnectByRoot):
            value = _qualified(node.this, name)
            found.append((_named(value, column), _named(_of_prior(column), column), column))
        elif isinstance(node, exp.Anonymous) and written_name(node) == "SYS_CONNECT_BY_PATH":
            made = _path(node, name)
            longer = exp.DPipe(this=_of_prior(column), expression=exp.Paren(this=made.copy()))
            found.append((_named(made, column), _named(longer, column), column))
        else:
            continue
        node.replace(exp.column(column, table=name, quoted=True))
    return found


def _path(node: exp.Anonymous, name: str) -> Node:
    """Return the separator and the text of one row, which are a piece of SYS_CONNECT_BY_PATH."""
    if len(node.expressions) != 2 or not isinstance(node.expressions[1], exp.Literal):
        raise unsupported("SYS_CONNECT_BY_PATH without a column and a constant separator")
    value, separator = node.expressions
    text = exp.Cast(this=_qualified(value, name), to=exp.DataType.build("VARCHAR"))
    return exp.DPipe(this=separator.copy(), expression=text)


def _step(source: Node, name: str, level: Node, carried: list[Node]) -> exp.Select:
    """Return the query of one level: the table's own columns, the level, and what is carried along."""
    star = exp.Column(this=exp.Star(), table=exp.to_identifier(name, quoted=True))
    return exp.Select(expressions=[star, _named(level, _LEVEL), *carried], from_=exp.From(this=source))


def _connected(condition: Node, name: str) -> Node:
    """Return the condition with PRIOR's columns those of the rows found last, all others the table's."""
    priors = {id(column) for prior in condition.find_all(exp.Prior) for column in prior.find_all(exp.Column)}
    for column in list(condition.find_all(exp.Column)):
        if _is_level(column):
            more = exp.Add(this=_of_prior(_LEVEL), expression=exp.Literal.number(1))
            column.replace(exp.Paren(this=more))
        elif id(column) in priors:
            column.set("table", _quoted(_PRIOR))
        elif not column.table:
            column.set("table", exp.to_identifier(name, quoted=True))
    for prior in list(condition.find_all(exp.Prior)):
        if prior is condition:
            raise unsupported("CONNECT BY PRIOR of a condition")
        prior.replace(prior.this)
    return condition


def _place(select: exp.Select, name: str, levels: exp.Union, carried: int) -> None:
    """Let *select* read the levels; LEVEL is a column of theirs, which a star does not show."""
    tree = exp.CTE(this=levels, alias=exp.TableAlias(this=_quoted(_TREE)))
    every = exp.Select(expressions=[exp.Star()], from_=exp.From(this=exp.Table(this=_quoted(_TREE))))
    every.set("with_", exp.With(expressions=[tree], recursive=True))
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    select.set("from_", exp.From(this=exp.Subquery(this=every, alias=alias)))
    hidden = [_LEVEL, *(f"$carried{number + 1}" for number in range(carried))]
    for star in list(select.find_all(exp.Star)):
        owner = star.parent if isinstance(star.parent, exp.Column) else star
        if owner.parent is select and not isinstance(star.parent, exp.Anonymous):
            star.set("except_", [*(star.args.get("except_") or []), *map(_quoted, hidden)])
    for column in list(select.find_all(exp.Column)):
        if _is_level(column) and column.find_ancestor(exp.Select) is select:
            level = exp.column(_LEVEL, table=name, quoted=True)
            column.replace(exp.alias_(level, column.name) if column.parent is select else level)


def _qualified(value: Node, name: str) -> Node:
    copied = value.copy()
    for column in copied.find_all(exp.Column):
        if not column.table:
            column.set("table", exp.to_identifier(name, quoted=True))
    return copied


def _is_level(column: exp.Column) -> bool:
    return isinstance(column.this, exp.Identifier) and not column.table and fold(column.name) == "level"


def _of_prior(column: str) -> exp.Column:
    return exp.column(column, table=_PRIOR, quoted=True)


def _named(value: Node, column: str) -> Node:
    return exp.alias_(value, column, quoted=True)


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
