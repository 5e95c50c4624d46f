"""FLATTEN with input, path, outer, recursive and mode, as a lateral query over the elements.

SEQ numbers the rows that were flattened. Where a query asks for it, the rows of
the source are numbered; where it cannot be told apart, the query is refused.
"""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects import build, paths
from flight_server.dialects.build import Node
from flight_server.dialects.kinds import Kind
from flight_server.dialects.printed import column_list, identifier, printed
from flight_server.dialects.refuse import unsupported
from flight_server.dialects.scope import Columns
from flight_server.syntax.names import fold

COLUMNS: Columns = {
    "seq": Kind.INTEGER,
    "key": Kind.TEXT,
    "path": Kind.TEXT,
    "index": Kind.INTEGER,
    "value": Kind.VARIANT,
    "this": Kind.VARIANT,
}
_SEQ = "$seq"
_ARGUMENTS = ("INPUT", "PATH", "OUTER", "RECURSIVE", "MODE")
_MODES = {"BOTH": "'OBJECT', 'ARRAY'", "OBJECT": "'OBJECT'", "ARRAY": "'ARRAY'"}
_PLAIN_KEY = "'[A-Za-z_][A-Za-z0-9_]*'"
_ONE_LEVEL = """
SELECT {seq} AS "seq", CASE WHEN f.kind = 'OBJECT' THEN f.keys[f.i + 1] END AS "key",
  CASE WHEN f.i IS NULL THEN {prefix} WHEN f.kind = 'ARRAY' THEN {prefix} || '[' || f.i || ']'
    WHEN regexp_full_match(f.keys[f.i + 1], {plain}) THEN {dotted} || f.keys[f.i + 1]
    ELSE {prefix} || '[''' || f.keys[f.i + 1] || ''']' END AS "path",
  CASE WHEN f.kind = 'ARRAY' THEN f.i END AS "index", f.items[f.i + 1] AS "value", f.doc AS "this"
FROM (SELECT g.doc, g.kind, g.keys, g.items,
    unnest(CASE WHEN len(g.items) > 0 THEN range(len(g.items)) ELSE {empty} END) AS i
  FROM (SELECT h.doc, h.kind, json_keys(h.doc) AS keys,
      CASE WHEN h.kind IN ({kinds}) THEN CASE h.kind WHEN 'OBJECT' THEN json_extract(h.doc, '$.*')
        ELSE json_extract(h.doc, '$[*]') END END AS items
    FROM (SELECT d.doc, json_type(d.doc) AS kind FROM (SELECT {input} AS doc) AS d) AS h) AS g) AS f
"""
_ALL_LEVELS = """
SELECT {seq} AS "seq", CASE WHEN p.type = 'OBJECT' THEN c.key END AS "key",
  {prefix} || ltrim(regexp_replace(substr(c.fullkey, 2), '\\.?"([^"]*)"', '[''\\1'']', 'g'), {strip})
    AS "path",
  CASE WHEN p.type = 'ARRAY' THEN CAST(regexp_extract(c.fullkey, '\\[(\\d+)\\]$', 1) AS BIGINT) END
    AS "index",
  c.value AS "value", p.value AS "this"
FROM json_tree({input}) AS c, json_tree({input}) AS p WHERE c.parent = p.id
"""


def flattened(
    inner: exp.Anonymous, alias: exp.TableAlias | None, *, correlated: bool
) -> tuple[Node, Columns | None]:
    """Return the lateral query that FLATTEN becomes."""
    arguments = _named(inner)
    prefix = _constant_text(arguments.get("PATH"), "PATH") or ""
    document = paths.as_json(arguments["INPUT"])
    document = paths.at(document, paths.steps_of(prefix)) if prefix else document
    mode = (_constant_text(arguments.get("MODE"), "MODE") or "BOTH").upper()
    outer, recursive = (_flag(arguments.get(name), name) for name in ("OUTER", "RECURSIVE"))
    if mode not in _MODES or (recursive and (mode != "BOTH" or outer)):
        raise unsupported("FLATTEN with RECURSIVE together with MODE or OUTER")
    template = _ALL_LEVELS if recursive else _ONE_LEVEL
    body = template.format(
        seq=_sequence(correlated),
        prefix=_quoted(prefix),
        dotted=_quoted(f"{prefix}." if prefix else ""),
        strip=_quoted("" if prefix else "."),
        plain=_PLAIN_KEY,
        empty="[NULL]" if outer else "[]",
        kinds=_MODES[mode],
        input=printed(document),
    )
    made = exp.Var(
        this=f"LATERAL ({' '.join(body.split())}) AS {column_list(alias, 'flatten', tuple(COLUMNS))}"
    )
    made.meta["flatten"] = correlated
    return made, COLUMNS


def _sequence(correlated: bool) -> str:
    return f"CAST({identifier(_SEQ)} AS BIGINT)" if correlated else "1"


def _named(inner: exp.Anonymous) -> dict[str, Node]:
    """Return the arguments by name; positional ones stand in the documented order."""
    found: dict[str, Node] = {}
    for position, argument in enumerate(inner.expressions):
        if isinstance(argument, exp.Kwarg):
            found[argument.name.upper()] = argument.expression
        elif position < len(_ARGUMENTS):
            found[_ARGUMENTS[position]] = argument
    unknown = set(found) - set(_ARGUMENTS)
    if unknown or "INPUT" not in found:
        raise unsupported(f"FLATTEN with {', '.join(sorted(unknown)) or 'no INPUT'}")
    return found


def _constant_text(node: Node | None, name: str) -> str | None:
    if node is None:
        return None
    found = build.literal_text(node)
    if found is None:
        raise unsupported(f"FLATTEN with a {name} that is not a constant")
    return found


def _flag(node: Node | None, name: str) -> bool:
    if node is None:
        return False
    if not isinstance(node, exp.Boolean):
        raise unsupported(f"FLATTEN with {name} that is not a constant")
    return bool(node.this)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def number_rows(select: exp.Select) -> None:
    """Number the rows that a lateral FLATTEN reads, if the query looks at SEQ; else leave SEQ out."""
    joins = select.args.get("joins") or []
    found = [join.this for join in joins if join.this.meta.get("flatten")]
    if not found:
        return
    used = _asks_for_seq(select)
    if used and len(found) > 1:
        raise unsupported("SEQ of several FLATTENs in one query", "name the columns and leave SEQ out")
    if used:
        _number(select)
        return
    for node in found:
        node.set("this", node.this.replace(_sequence(correlated=True), "NULL", 1))


def _asks_for_seq(select: exp.Select) -> bool:
    stars = any(
        isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))
        for item in select.expressions
    )
    return stars or any(fold(column.name) == "seq" for column in select.find_all(exp.Column))


def _number(select: exp.Select) -> None:
    """Number the rows of the one source before the FLATTEN, and keep the number out of every star."""
    clause, joins = select.args["from_"], select.args.get("joins") or []
    source = clause.this
    if (
        not joins
        or not joins[0].this.meta.get("flatten")
        or not isinstance(source, (exp.Table, exp.Subquery))
    ):
        raise unsupported("SEQ of a FLATTEN over a join", "name the columns and leave SEQ out")
    alias = source.alias_or_name
    inner = exp.select(exp.Star(), copy=False).from_(source, copy=False)
    inner.select(exp.alias_(exp.Var(this="row_number() OVER ()"), _SEQ, quoted=True), copy=False)
    clause.set(
        "this", exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    )
    for item in select.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star) and (star is item or fold(item.table) == fold(alias)):
            star.set("except_", [*(star.args.get("except_") or []), exp.to_identifier(_SEQ, quoted=True)])
