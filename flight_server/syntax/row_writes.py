"""An UPDATE or DELETE as a query for rows and values, and a shell of ours that writes them.

The caller's expressions stand in the query alone, over the secured table; the
raw table is only ever joined by row identity. By row identity, too, the rows that
a write leaves behind are held to the row filters: see docs/decisions/0110.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flight_server.model import BoundFilter
from flight_server.syntax.names import quote
from flight_server.syntax.parser import Node, Parser, only_statement
from flight_server.syntax.secure import Locate, conjunction, filter_predicate

SOURCE = "{source}"
"""Where the query's text goes in the shell."""


@dataclass(frozen=True, slots=True)
class RowWrite:
    """The query that finds rows and new values, and the statement that takes them.

    Attributes:
        select: The query node inside *tree*.
        shell: SQL text with `SOURCE` in it.
    """

    tree: Node
    select: Node
    shell: str


@dataclass(frozen=True, slots=True)
class Check:
    """How a write under row filters is held to rows that its principal can see afterwards.

    DuckDB tells no row identities of what it wrote. But it gives new rows, and those that an
    UPDATE moves, greater ones than any before; the others an UPDATE keeps, so they are noted first.

    Attributes:
        latest: Text that gives the greatest row identity before the write.
        hidden: Text that counts the rows since then that a filter hides; it takes what *latest* gave.
        kept: Text that counts the rows noted by *rows* that a filter hides, or empty.
        rows: Text that notes the rows and new values of an UPDATE in a temporary table, or empty.
        change: Text that writes what *rows* noted.
        forget: Text that drops the temporary table.
    """

    latest: str
    hidden: str
    kept: str = ""
    rows: str = ""
    change: str = ""
    forget: str = ""

    def of_update(self, query: str, shell: str, noted: str) -> Check:
        """Return the check of an UPDATE whose rows and values *query* finds and *shell* writes."""
        change = shell.replace(SOURCE, f"FROM {noted}")
        return replace(
            self,
            rows=f"CREATE TEMP TABLE {noted} AS {query}",
            change=change,
            forget=f"DROP TABLE {noted}",
        )


def check_of(
    parser: Parser,
    path: list[str],
    filters: Sequence[BoundFilter],
    locate: Locate,
    noted: str = "",
    row: str = "",
) -> Check:
    """Return the check of a write to the table at *path*, over whose rows *filters* stand.

    Args:
        noted: The temporary table that will hold the rows of an UPDATE, as column *row*.
    """
    raw = ".".join(map(quote, path))

    def counting(which: str) -> str:
        text = f"SELECT count(*) FROM {raw} WHERE {which} AND true IS DISTINCT FROM true"
        tree: Node = json.loads(parser.parse_read(text))
        distinct = only_statement(tree)["node"]["where_clause"]["children"][1]
        distinct["left"] = conjunction([filter_predicate(parser, rule, locate) for rule in filters])
        return parser.print_read(tree)

    kept = counting(f"rowid IN (SELECT {quote(row)} FROM {noted})") if noted else ""
    return Check(f"SELECT coalesce(max(rowid), -1) FROM {raw}", counting("rowid > $1"), kept)


def by_row(parser: Parser, body: Node, source: Node, row: str, path: list[str]) -> RowWrite:
    """Return *body*, an UPDATE or DELETE node, as a write by row identity.

    Args:
        source: The secured table, with the row identity as column *row*; it gets the target's alias.
        path: Where the raw table is.
    """
    node = body["table"]
    alias = source["alias"] = node["alias"] or node["qualified_name"]["path"][-1]
    text = f"SELECT {quote(alias)}.{quote(row)} FROM a, b WHERE c"
    tree: Node = json.loads(parser.parse_read(text))
    select = only_statement(tree)["node"]
    pair = select["from_table"]
    select["from_table"] = source
    for other in _others(body):
        select["from_table"] = {**pair, "left": select["from_table"], "right": other}
    set_info = body.get("set_info") or {}
    select["where_clause"] = set_info.get("condition") or body.get("condition")
    select["cte_map"] = body["cte_map"]
    assignments = _new_values(select, set_info)
    raw = ".".join(map(quote, path))
    verb = f"UPDATE {raw} AS __t SET {assignments} FROM" if assignments else f"DELETE FROM {raw} AS __t USING"
    return RowWrite(tree, select, f"{verb} ({SOURCE}) AS __s WHERE __t.rowid = __s.{quote(row)}")


def _others(body: Node) -> list[Node]:
    """Return the further tables of an UPDATE .. FROM or DELETE .. USING."""
    return [body["from_table"]] if body.get("from_table") else list(body.get("using_clauses") or ())


def _new_values(select: Node, set_info: Node) -> str:
    """Add the new values of an UPDATE to the outputs of *select*; return its SET list."""
    assignments = []
    pairs = zip(set_info.get("columns", ()), set_info.get("expressions", ()), strict=True)
    for index, (column, value) in enumerate(pairs):
        if value["class"] == "DEFAULT":
            assignments.append(f"{quote(column)} = DEFAULT")
            continue
        name = f"__v{index}"
        select["select_list"].append({**value, "alias": name})
        assignments.append(f"{quote(column)} = __s.{name}")
    return ", ".join(assignments)
