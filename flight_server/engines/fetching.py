"""What a query over several engines fetches of each remote table: the columns it names, the rows it may need.

Only predicates that compare a column with constants are pushed down, and only
where leaving rows out early cannot change the result; row filters stay in the
text that runs here, and their simple parts are pushed down with the others.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flight_server.engines.fetch_columns import needed_columns
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import TableName
from flight_server.stores.catalog import Table
from flight_server.syntax.facts import Facts, gather
from flight_server.syntax.leakproof import leakproof_conjuncts, plain_tables
from flight_server.syntax.lineage import Output, from_sources
from flight_server.syntax.names import fold, quote
from flight_server.syntax.parser import Node, Parser, only_statement

FETCHED = "__fetched"
Known = Callable[[TableName], tuple[str, Table] | None]
"""Gives a table and the engine that holds it, empty for the warehouse; None for a table that is not known."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Rows of one remote table.

    Attributes:
        name: The temporary table that they go into.
        sql: DuckDB's text over the shadow catalog.
        table: The remote table; its columns give the types of the temporary one.
        columns: Those that are fetched.
    """

    engine: str
    name: str
    sql: str
    table: Table
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetches:
    """A query whose remote tables have become temporary ones.

    Attributes:
        narrowed: The query over the remote tables themselves, without outputs of secured tables that
            nobody names.
        local: Whether it reads anything besides them.
    """

    sql: str
    narrowed: str
    fetched: tuple[Fetch, ...]
    local: bool


def fetches(sql: str, parser: Parser, shadow: str, known: Known) -> Fetches:
    """Return what the query *sql* fetches, and the text that runs over it."""
    tree = json.loads(parser.parse_read(sql))
    facts = gather(only_statement(tree))
    remote = [node for node in facts.tables if fold(node["qualified_name"]["path"][0]) == shadow]
    local = len(remote) < len(facts.tables) or bool(facts.table_functions)
    conjuncts = dict(_pushable(facts, shadow, known))
    columns = needed_columns(only_statement(tree), remote, lambda node: _table(node, known))
    narrowed = parser.print_read(tree)
    found = []
    for number, node in enumerate(remote):
        name = f"{FETCHED}_{shadow[-8:]}_{number}"
        found.append(_fetch(parser, node, name, columns[id(node)], conjuncts.get(id(node), []), known))
    for node, fetch in zip(remote, found, strict=True):
        node["alias"] = node["alias"] or node["qualified_name"]["path"][-1]
        node["qualified_name"]["path"] = ["temp", "main", fetch.name]
    return Fetches(parser.print_read(tree), narrowed, tuple(found), local)


def _fetch(
    parser: Parser, node: Node, name: str, columns: tuple[str, ...], conjuncts: list[Node], known: Known
) -> Fetch:
    engine, table = _found(node, known)
    path = ".".join(map(quote, node["qualified_name"]["path"]))
    tree = json.loads(parser.parse_read(f"SELECT {', '.join(map(quote, columns))} FROM {path} AS f"))
    if conjuncts:
        only_statement(tree)["node"]["where_clause"] = _all_of(conjuncts)
    return Fetch(engine, name, parser.print_read(tree), table, columns)


def _pushable(facts: Facts, shadow: str, known: Known) -> Iterator[tuple[int, list[Node]]]:
    """Yield, by table node, the predicates of its own SELECT that may be tested before it is joined."""

    def columns_of(node: Node) -> tuple[TableName, tuple[str, ...]] | None:
        found = known(_name(node)) if len(node["qualified_name"]["path"]) > 1 else None
        return (_name(node), tuple(column.name for column in found[1].columns)) if found else None

    def type_of(output: Output) -> str | None:
        found = known(output.table) if output.table else None
        column = found[1].column(output.column) if found and found[0] else None
        return column.type if column else None

    for select in facts.selects:
        nodes = plain_tables(select["from_table"])
        sources = from_sources(select["from_table"], columns_of)
        for alias, found in leakproof_conjuncts(select, sources, type_of).items():
            if alias in nodes and fold(nodes[alias]["qualified_name"]["path"][0]) == shadow:
                yield id(nodes[alias]), [copy.deepcopy(conjunct) for conjunct in found]


def _name(node: Node) -> TableName:
    path = node["qualified_name"]["path"]
    return TableName(fold(path[-2]), fold(path[-1]))


def _table(node: Node, known: Known) -> Table:
    return _found(node, known)[1]


def _found(node: Node, known: Known) -> tuple[str, Table]:
    """Return the engine and the table that *node* names; only who sees everything names one that is not."""
    found = known(_name(node))
    if found is None or not found[0]:
        name = f"{_name(node)}"
        raise QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: table '{name}' does not exist")
    return found


def _all_of(conjuncts: list[Node]) -> Node:
    if len(conjuncts) == 1:
        return conjuncts[0]
    return {
        "class": "CONJUNCTION",
        "type": "CONJUNCTION_AND",
        "alias": "",
        "query_location": 0,
        "query_location_length": 0,
        "children": conjuncts,
    }
