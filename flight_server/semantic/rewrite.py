"""What becomes of the semantic functions in a tree: they are checked, and stored vectors are put to use.

Everything works without the rewriting, for the engine has the functions. What it adds is
speed: a comparison with the content of memories, which is what is asked a million times,
reads stored vectors. Whatever is not plain is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Protocol

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Grant
from flight_server.semantic.names import (
    CURRENT_AGENT,
    EMBED,
    FUNCTIONS,
    MATCHES,
    MEMORY,
    RANK,
    STORE_MEMORY,
)
from flight_server.syntax.facts import READ_NODES, Facts, arguments, below
from flight_server.syntax.leakproof import plain_tables
from flight_server.syntax.lineage import Columns, from_sources, resolved
from flight_server.syntax.names import PUBLIC_CATALOG, fold, quote
from flight_server.syntax.parser import Node, Parser, only_statement
from flight_server.syntax.unnamed import printed

DEFAULT_THRESHOLD: Final = 0.7
STORED_COLUMNS: Final = ("content", "label", "memory_type", "metadata", "importance")
_NEEDED: Final = frozenset({"content", "memory_id"})


class Known(Protocol):
    """What the steps must know of the embedder and its vectors."""

    @property
    def missing(self) -> str:
        """What there is to install before texts can be compared, or an empty string."""

    @property
    def vectors(self) -> tuple[list[str], int] | None:
        """Where vectors of memories are stored and how wide they are; None while there are none."""


def check_calls(facts: Facts, known: Known | None) -> None:
    """Refuse semantic functions that cannot work, before the engine says so in its own words.

    Raises:
        QueryRefused: QUERY_ERROR.
    """
    for node in facts.function_nodes:
        name, count = fold(node["function_name"]), len(arguments(node))
        if name in FUNCTIONS and (known is None or known.missing):
            raise _refused(known.missing if known else "this engine compares no meanings")
        if name == RANK and count != 2:
            raise _refused("semantic_rank takes a column and a text")
        if name in MATCHES and count not in (2, 3):
            raise _refused(f"{name} takes a column, a text and perhaps a threshold")
        if name == CURRENT_AGENT and count:
            raise _refused(f"{CURRENT_AGENT} takes no arguments")
        if name == STORE_MEMORY:
            raise _refused("store_memory stands alone: SELECT store_memory(content, label)")


def bind_caller(facts: Facts, grant: Grant, schema: str) -> None:
    """Put what they stand for in the place of `current_agent_id()`, `current_database()` and their kin.

    The engine would tell the name of the catalog in which the raw tables are sealed. The restricted
    may not ask for places at all.
    """
    values = {CURRENT_AGENT: grant.principal.agent_id}
    if grant.sees_everything:
        places = {"current_catalog": PUBLIC_CATALOG, "current_database": PUBLIC_CATALOG}
        values |= places | {"current_schema": schema}
    for node in list(facts.function_nodes):
        name = fold(node["function_name"])
        if name in values and not arguments(node):
            facts.function_nodes.remove(node)
            alias = node["alias"] or f"{name}()"
            node.clear()
            node.update(text_literal(values[name]) | {"alias": alias})


def text_literal(text: str) -> Node:
    """Return the tree of a text."""
    return {
        "class": "CONSTANT",
        "type": "VALUE_CONSTANT",
        "alias": "",
        "query_location": 0,
        "query_location_length": 0,
        "literal": {"kind": "STRING", "text": text},
    }


def stored_call(root: Node, facts: Facts) -> list[Node] | None:
    """Return the arguments of the `store_memory` that *root* is, or None if it is anything else.

    Raises:
        QueryRefused: QUERY_ERROR, if there is a `store_memory` inside of something else.
    """
    if STORE_MEMORY not in facts.functions:
        return None
    items = root.get("select_list", [])
    alone = (
        root["type"] == "SELECT_NODE"
        and root["from_table"]["type"] == "EMPTY"
        and len(items) == 1
        and len(facts.selects) == 1
        and not (root["where_clause"] or root["modifiers"] or root["having"] or root["qualify"])
        and items[0]["class"] == "FUNCTION"
        and fold(items[0]["function_name"]) == STORE_MEMORY
        and sum(fold(node["function_name"]) == STORE_MEMORY for node in facts.function_nodes) == 1
    )
    if not alone:
        raise _refused("store_memory stands alone: SELECT store_memory(content, label)")
    values = arguments(items[0])
    if not 1 <= len(values) <= len(STORED_COLUMNS):
        raise _refused(f"store_memory takes {', '.join(STORED_COLUMNS)}; only the content is needed")
    return values


def store_outputs(root: Node, grant: Grant) -> None:
    """Turn the query *root* around a `store_memory` into one for what is to be stored, and by whom."""
    values = arguments(root["select_list"][0])
    root["select_list"] = [text_literal(grant.principal.agent_id), *values]


class StoredRanks:
    """Finds the comparisons of one tree that stored vectors answer, and rewrites them.

    Args:
        masked: Folded names of the columns of the memory table that are masked.
        word: What no name of the caller's can hold.
    """

    def __init__(
        self, parser: Parser, known: Known | None, columns: Columns, masked: Collection[str], word: str
    ) -> None:
        stored = known.vectors if known and not (_NEEDED & set(masked)) else None
        self._parser = parser
        self._columns = columns
        self._word = word
        self._path, self._width = stored or ([], 0)
        self._wanted: dict[int, dict[str, Node]] = {}
        self._real: set[int] = set()  # the table nodes that are no names of common table expressions

    def find(self, facts: Facts) -> None:
        """Rewrite the comparisons for which `wrap` will provide the columns."""
        self._real = {id(node) for node in facts.tables}
        for select in facts.selects if self._width else ():
            self._find(select)

    def wrap(self, node: Node) -> bool:
        """Join the vectors to the table node *node*, if its query reads them; tell whether it was done."""
        wanted = self._wanted.get(id(node))
        if not wanted:
            return False
        nearness = ", ".join(
            f"array_inner_product(vector, CAST({EMBED}('{column}') AS FLOAT[{self._width}])) "
            f"AS {quote(column)}"
            for column in wanted
        )
        stored = ".".join(map(quote, self._path))
        columns = ", ".join(f"v.{quote(column)}" for column in wanted)
        tree = json.loads(
            self._parser.parse_read(
                f"SELECT * FROM (SELECT m.*, {columns} FROM t AS m LEFT JOIN "
                f"(SELECT memory_id, text_hash, {nearness} FROM {stored}) AS v "
                "ON v.memory_id = m.memory_id AND v.text_hash = hash(m.content)) AS s"
            )
        )
        derived: Node = only_statement(tree)["node"]["from_table"]
        for call in _calls(derived, {EMBED}):
            call["arguments"][0]["expression"] = wanted[arguments(call)[0]["literal"]["text"]]
        join = derived["subquery"]["node"]["from_table"]
        inner = dict(node) | {"alias": "m", "column_name_alias": []}
        derived["alias"] = node["alias"] or node["qualified_name"]["path"][-1]
        join["left"] = inner
        node.clear()
        node.update(derived)
        return True

    def _find(self, select: Node) -> None:
        sources = from_sources(select["from_table"], self._columns)
        tables = plain_tables(select["from_table"])
        if not sources or select["sample"]:
            return
        for call in list(_calls(_own(select), FUNCTIONS)):
            value, text, *rest = arguments(call)
            origin = resolved(value["column_names"], sources) if value["class"] == "COLUMN_REF" else None
            if origin is None or origin.table != MEMORY or origin.column != "content":
                continue
            if text["class"] not in ("CONSTANT", "PARAMETER"):
                continue
            alias = next(source.alias for source in sources if origin in (source.columns or ()))
            node = tables.get(alias)
            if node is None or id(node) not in self._real:
                continue
            if _rows_are_not_named(select, alias) and _stars_are_plain(select):
                self._use(select, call, node, alias, text, rest)

    def _use(
        self, select: Node, call: Node, node: Node, alias: str, text: Node, rest: Sequence[Node]
    ) -> None:
        """Have *call* read the column that `wrap` will add to *node*."""
        wanted = self._wanted.setdefault(id(node), {})
        key = json.dumps([text.get("literal"), text.get("identifier")])
        column = next((name for name, seen in wanted.items() if _key(seen) == key), "")
        if not column:
            column = f"__near_{self._word}_{len(self._wanted)}_{len(wanted)}"
            wanted[column] = text
            _hide(select, alias, column)
        _name_outputs(self._parser, select, call)
        original = dict(call)
        near = f"{quote(alias)}.{quote(column)}"
        clamped = f"CASE WHEN {near} IS NOT NULL THEN CAST(greatest(0, least(1, {near})) AS FLOAT) END"
        replaced = _expression(self._parser, f"coalesce({clamped}, 0)")
        rank = original | {
            "alias": "",
            "function_name": RANK,
            "qualified_name": {"path": [RANK]},
            "arguments": original["arguments"][:2],
        }
        replaced["children"][1] = rank
        if fold(original["function_name"]) in MATCHES:
            compared = _expression(self._parser, f"1 > {DEFAULT_THRESHOLD}")
            compared["left"] = replaced
            compared["right"] = rest[0] if rest else compared["right"]
            replaced = compared
        replaced["alias"] = original["alias"]
        call.clear()
        call.update(replaced)


def _key(text: Node) -> str:
    return json.dumps([text.get("literal"), text.get("identifier")])


def _expression(parser: Parser, text: str) -> Node:
    found: Node = only_statement(json.loads(parser.parse_read(f"SELECT {text}")))["node"]["select_list"][0]
    return found


def _own(select: Node) -> Iterator[Node]:
    """Yield the nodes of *select* itself, not of queries inside of it."""
    stack: list[object] = [value for key, value in select.items() if key != "cte_map"]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            kind = item.get("type")  # of a literal, a tree of its own
            if isinstance(kind, str) and kind in READ_NODES:
                continue
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _calls(nodes: Iterator[Node] | Node, names: Collection[str]) -> Iterator[Node]:
    """Yield the calls of the functions *names*."""
    for node in below(nodes) if isinstance(nodes, dict) else nodes:
        if node.get("class") == "FUNCTION" and fold(node["function_name"]) in names:
            yield node


def _stars_are_plain(select: Node) -> bool:
    """Tell whether every star of *select* stands in its select list as `*` or `table.*`."""
    items = {id(item) for item in select["select_list"]}
    stars = (node for node in _own(select) if node.get("class") == "STAR")
    return all(id(star) in items and not star["columns"] and not star["expr"] for star in stars)


def _rows_are_not_named(select: Node, alias: str) -> bool:
    """Tell whether nothing in *select* may mean whole rows of the table *alias*, or count its columns."""
    own = {id(node) for node in _own(select)}
    return not any(_names_rows(node, alias, own) for node in below(select))


def _names_rows(node: Node, alias: str, own: Collection[int]) -> bool:
    """Tell whether *node* may mean rows of *alias*; `_hide` sees to stars among the *own* nodes."""
    match node.get("class"):
        case "COLUMN_REF":
            return len(node["column_names"]) == 1 and fold(node["column_names"][0]) == alias
        case "STAR":
            return id(node) not in own and fold(node["relation_name"]) == alias
        case "FUNCTION" | "WINDOW":  # such as `memories.to_json()`
            return alias in map(fold, node["qualified_name"]["path"][:-1])
        case kind:
            return kind == "POSITIONAL_REFERENCE"


def _hide(select: Node, alias: str, column: str) -> None:
    """Leave *column* out of the stars of *select* that would show it."""
    for item in select["select_list"]:
        if item["class"] == "STAR" and fold(item["relation_name"]) in ("", alias):
            item["exclude_list"] = [*item["exclude_list"], column]


def _name_outputs(parser: Parser, select: Node, call: Node) -> None:
    """Give the output that *call* is part of the name that it had before it is rewritten."""
    for item in select["select_list"]:
        if not item["alias"] and any(node is call for node in below(item)):
            item["alias"] = printed(parser, item)


def _refused(what: str) -> QueryRefused:
    return QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {what}")
