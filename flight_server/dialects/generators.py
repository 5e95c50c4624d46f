"""Table functions that make rows: GENERATOR and SPLIT_TO_TABLE."""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node
from flight_server.dialects.chance import SEQUENCE
from flight_server.dialects.coerce import as_text
from flight_server.dialects.kinds import Kind
from flight_server.dialects.printed import column_list, identifier, printed
from flight_server.dialects.refuse import unsupported
from flight_server.dialects.scope import Columns
from flight_server.dialects.strings import tokens

_ROW = "$row"
_PARTS = {"seq": Kind.INTEGER, "index": Kind.INTEGER, "value": Kind.TEXT}


def generator(inner: exp.Anonymous, alias: exp.TableAlias | None) -> tuple[Node, Columns | None]:
    """Return rows without a meaning of their own, as many as ROWCOUNT says."""
    named = {
        argument.name.upper(): argument.expression
        for argument in inner.expressions
        if isinstance(argument, exp.Kwarg)
    }
    count = build.literal_integer(named.get("ROWCOUNT"))
    if count is None or set(named) != {"ROWCOUNT"}:
        raise unsupported("GENERATOR without a constant ROWCOUNT")
    name = identifier(alias.name if alias is not None and alias.name else "generator")
    made = exp.Var(this=f"range({count}) AS {name}({identifier(_ROW)})")
    made.meta[_ROW] = True
    return made, {}


def number_by_row(select: exp.Select) -> None:
    """Where GENERATOR is all there is in FROM, its own row number serves as SEQ4(), in any clause."""
    clause = select.args.get("from_")
    if clause is None or not clause.this.meta.get(_ROW) or select.args.get("joins"):
        return
    for numbered in list(select.find_all(exp.Window)):
        if numbered.meta.get(SEQUENCE) and numbered.find_ancestor(exp.Select) is select:
            numbered.replace(build.binary(exp.Add, exp.column(_ROW, quoted=True), build.integer(1)))


def split_to_table(
    inner: exp.Anonymous, alias: exp.TableAlias | None, name: str
) -> tuple[Node, Columns | None]:
    """Return a row for each part of a text: SEQ, INDEX from 1, VALUE."""
    if len(inner.expressions) != 2:
        raise unsupported(f"{name} without a text and a delimiter")
    subject, delimiter = inner.expressions
    if name == "SPLIT_TO_TABLE":
        parts: Node = build.call("string_split", as_text(subject), as_text(delimiter))
    else:
        known = build.literal_text(delimiter)
        if known is None:
            raise unsupported(f"{name} with delimiters that are not a constant")
        parts = tokens(as_text(subject), known)
    listed = printed(parts)
    body = (
        'SELECT 1 AS "seq", p.i + 1 AS "index", p.parts[p.i + 1] AS "value" FROM '
        f"(SELECT parts, unnest(range(len(parts))) AS i FROM (SELECT {listed} AS parts)) AS p"
    )
    return exp.Var(this=f"LATERAL ({body}) AS {column_list(alias, 'split', tuple(_PARTS))}"), _PARTS
