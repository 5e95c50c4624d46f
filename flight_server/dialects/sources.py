"""What stands in FROM: VALUES, samples, table functions, pivots and the old outer join."""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects import build, flatten, generators, outer_joins
from flight_server.dialects.build import Node
from flight_server.dialects.hierarchies import rewrite_hierarchy
from flight_server.dialects.kinds import Kind, common
from flight_server.dialects.read import written_name
from flight_server.dialects.refuse import unsupported
from flight_server.dialects.scope import Columns
from flight_server.syntax.names import fold

_PIVOT_AGGREGATES = frozenset({"SUM", "COUNT", "MIN", "MAX", "AVG"})


def prepare(select: exp.Select) -> None:
    """Rewrite what concerns the FROM clause as a whole, before its parts are looked at."""
    if select.args.get("match") is not None:
        raise unsupported("MATCH_RECOGNIZE")
    rewrite_hierarchy(select)
    clause = select.args.get("from_")
    if clause is not None and isinstance(clause.this, exp.Table) and fold(clause.this.name) == "dual":
        select.set("from_", None)
    outer_joins.rewrite(select)
    _positional_columns(select)


def _positional_columns(select: exp.Select) -> None:
    """Read `$1` as the first column where VALUES is all there is in FROM; elsewhere it is a parameter."""
    clause = select.args.get("from_")
    if clause is None or not isinstance(clause.this, exp.Values) or select.args.get("joins"):
        return
    alias = clause.this.args.get("alias")
    names = [column.name for column in alias.columns] if alias is not None else []
    for parameter in list(select.find_all(exp.Parameter)):
        position = int(parameter.name) if parameter.name.isdigit() else 0
        if position and parameter.find_ancestor(exp.Select) is select:
            name = names[position - 1] if position <= len(names) else f"column{position}"
            parameter.replace(exp.column(name, quoted=bool(names)))


def complete_join(join: exp.Join) -> None:
    """Give an ASOF JOIN its condition, and a lateral join the ON that DuckDB asks for."""
    condition = join.args.get("match_condition")
    if condition is not None:
        join.set("match_condition", None)
        join.set("side", "LEFT")
        join.set("on", exp.and_(join.args["on"], condition, copy=False) if join.args.get("on") else condition)
        return
    has_condition = join.args.get("on") or join.args.get("using")
    explicit = join.side or join.kind in ("INNER", "JOIN")
    if isinstance(join.this, exp.Var) and explicit and not has_condition:
        join.set("on", exp.true())


def check_table(table: exp.Table) -> None:
    """Refuse what a name in FROM can be in Snowflake and not here; complete the sample."""
    inner = table.this
    if isinstance(inner, exp.DynamicIdentifier):
        raise unsupported("IDENTIFIER(..)")
    if isinstance(inner, exp.Var) or table.args.get("format") or table.args.get("pattern"):
        raise unsupported("a stage in FROM")
    if isinstance(inner, exp.Literal):
        raise unsupported("a file in FROM")
    if isinstance(inner, exp.Anonymous):
        raise unsupported(f"the table function {written_name(inner)}")
    if table.args.get("when") or table.args.get("version") or table.args.get("changes"):
        raise unsupported("time travel (AT, BEFORE, CHANGES)")
    if any(isinstance(part, exp.Placeholder) for part in table.parts):
        raise unsupported("a parameter as a table name")
    sample = table.args.get("sample")
    if sample is not None:
        _sample(sample)


def _sample(sample: exp.TableSample) -> None:
    """Rows are drawn with a reservoir; a percentage keeps its method."""
    method = sample.args.get("method")
    name = method.name.upper() if method is not None else "BERNOULLI"
    if sample.args.get("size") is not None:
        sample.set("method", exp.var("RESERVOIR"))
    else:
        sample.set("method", exp.var("SYSTEM" if name in ("SYSTEM", "BLOCK") else "BERNOULLI"))
    for key in ("size", "percent", "seed"):
        value = sample.args.get(key)
        if value is not None and not isinstance(value, exp.Literal):
            raise unsupported("a sample whose size is not a constant")


def values(node: exp.Values) -> tuple[Node, Columns | None]:
    """Name the columns of VALUES `column1`, `column2` .. where the caller does not."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    width = len(rows[0]) if rows else 0
    kinds = [common(*(row[index] for row in rows if index < len(row))) for index in range(width)]
    alias = node.args.get("alias")
    if alias is None:
        alias = exp.TableAlias(this=exp.to_identifier("values"))
        alias.this.set("quoted", True)
        node.set("alias", alias)
    if not alias.columns:
        alias.set("columns", [exp.to_identifier(f"column{index + 1}") for index in range(width)])
    return node, {f"column{index + 1}": kind for index, kind in enumerate(kinds)}


def table_function(node: Node, inner: exp.Anonymous, *, correlated: bool) -> tuple[Node, Columns | None]:
    """Return the item of FROM that a table function becomes, with its columns."""
    name = written_name(inner)
    alias = node.args.get("alias")
    if name == "FLATTEN":
        return flatten.flattened(inner, alias, correlated=correlated)
    if name == "GENERATOR":
        return generators.generator(inner, alias)
    if name in ("SPLIT_TO_TABLE", "STRTOK_SPLIT_TO_TABLE"):
        return generators.split_to_table(inner, alias, name)
    raise unsupported(f"the table function {name}")


def pivot(node: exp.Pivot) -> None:
    """Rewrite the aggregates of a PIVOT and the names of an UNPIVOT; refuse what depends on data."""
    if node.args.get("default_on_null"):
        raise unsupported("PIVOT with DEFAULT ON NULL")
    fields = [field for field in node.args.get("fields") or [] if isinstance(field, exp.In)]
    if any(isinstance(value, (exp.PivotAny, exp.Query)) for field in fields for value in field.expressions):
        raise unsupported("PIVOT over ANY or a subquery", "list the values")
    if node.args.get("unpivot"):
        _unpivot(fields)
        return
    node.set("expressions", [_pivot_aggregate(found) for found in node.expressions])


def _pivot_aggregate(node: Node) -> Node:
    inner = node.this if isinstance(node, exp.Alias) else node
    if not isinstance(inner, exp.Anonymous) or written_name(inner) not in _PIVOT_AGGREGATES:
        raise unsupported("PIVOT with this aggregate", "use SUM, COUNT, MIN, MAX or AVG of a column")
    if not all(isinstance(argument, exp.Column) for argument in inner.expressions):
        raise unsupported("PIVOT with an aggregate of an expression")
    made = build.call(written_name(inner).lower(), *inner.expressions, kind=Kind.UNKNOWN)
    if isinstance(node, exp.Alias):
        node.set("this", made)
        return node
    return made


def _unpivot(fields: list[exp.In]) -> None:
    """Give the values of the name column Snowflake's upper case."""
    for field in fields:
        field.set("expressions", [_unpivoted(value) for value in field.expressions])


def _unpivoted(value: Node) -> Node:
    if isinstance(value, exp.Column) and not value.this.quoted:
        return exp.PivotAlias(this=value, alias=exp.Literal.string(value.name.upper()))
    return value
