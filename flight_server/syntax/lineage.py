"""Which output of a query is a table's column unchanged, by position.

Only labels and types depend on this: values are masked at the source whatever
it says. So it answers None as soon as a form is not plain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flight_server.model import TableName
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node


@dataclass(frozen=True, slots=True)
class Output:
    """One output or one column of a source: its name, and the table column it is, if it is one."""

    name: str
    table: TableName | None = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Something in a FROM clause; None columns mean that they are not known.

    Attributes:
        merged: Columns that a join with USING shows as another source's; only qualified they mean this one's.
    """

    alias: str
    columns: tuple[Output, ...] | None
    merged: frozenset[str] = frozenset()


Columns = Callable[[Node], tuple[TableName, tuple[str, ...]] | None]
"""Gives the table that a base-table node names and its columns, or None."""

_LEFT_ONLY = frozenset({"SEMI", "ANTI"})


def outputs(node: Node, columns: Columns) -> tuple[Output, ...] | None:
    """Return the outputs of a query node, or None where they cannot be told."""
    return _Lineage(columns, merges=True).query(node, {})


def from_sources(node: Node, columns: Columns) -> tuple[Source, ...] | None:
    """Return what a FROM clause without common table expressions holds; None for one with USING, too."""
    return _Lineage(columns, merges=False).sources(node, {})


class _Lineage:
    """One walk; `scope` holds the outputs of the common table expressions in sight.

    Args:
        merges: Whether to tell the columns of joins by USING, too.
    """

    def __init__(self, columns: Columns, *, merges: bool) -> None:
        self._columns = columns
        self._merges = merges

    def query(self, node: Node, scope: Mapping[str, tuple[Output, ...] | None]) -> tuple[Output, ...] | None:
        inner = dict(scope)
        for entry in (node.get("cte_map") or {}).get("map", []):
            value = entry["value"]
            inner[fold(entry["key"])] = _renamed(self.query(value["query_node"], inner), value["aliases"])
        if node["type"] == "SELECT_NODE":
            return self._select(node, inner)
        if node["type"] == "SET_OPERATION_NODE" and node["setop_type"] in ("UNION", "EXCEPT", "INTERSECT"):
            return _agreed([self.query(child, inner) for child in node["children"]])
        return None

    def _select(
        self, node: Node, scope: Mapping[str, tuple[Output, ...] | None]
    ) -> tuple[Output, ...] | None:
        sources = self.sources(node["from_table"], scope)
        found: list[Output] = []
        for item in node["select_list"]:
            if item["class"] == "STAR":
                expanded = _expanded(item, sources)
                if expanded is None:
                    return None
                found += expanded
            elif item["class"] == "COLUMN_REF":
                origin = resolved(item["column_names"], sources or ())
                name = item["alias"] or item["column_names"][-1]
                found.append(Output(name, origin.table, origin.column) if origin else Output(name))
            elif _makes_rows(item):
                return None
            else:
                found.append(Output(item["alias"]))
        return tuple(found)

    def sources(
        self, node: Node, scope: Mapping[str, tuple[Output, ...] | None]
    ) -> tuple[Source, ...] | None:
        """Return what a FROM clause holds, from left to right; None if a star over it cannot be told."""
        kind = node["type"]
        if kind == "JOIN":
            left, right = self.sources(node["left"], scope), self.sources(node["right"], scope)
            if node["join_type"] in _LEFT_ONLY:
                return left
            if left is None or right is None or node["ref_type"] == "NATURAL":
                return None
            if node["using_columns"]:
                return _merged(node, left, right) if self._merges else None
            return left + right
        if kind == "BASE_TABLE":
            return (self._base(node, scope),)
        if kind == "SUBQUERY":
            inner = self.query(node["subquery"]["node"], scope)
            return (Source(fold(node["alias"]), _renamed(inner, node["column_name_alias"])),)
        if kind == "EMPTY":
            return ()
        return (Source(fold(node.get("alias") or ""), None),)

    def _base(self, node: Node, scope: Mapping[str, tuple[Output, ...] | None]) -> Source:
        path = node["qualified_name"]["path"]
        alias = fold(node["alias"] or path[-1])
        if len(path) == 1 and fold(path[0]) in scope:
            return Source(alias, _renamed(scope[fold(path[0])], node["column_name_alias"]))
        table = self._columns(node)
        if table is None:
            return Source(alias, None)
        name, columns = table
        plain = tuple(Output(column, name, fold(column)) for column in columns)
        return Source(alias, _renamed(plain, node["column_name_alias"]))


def resolved(path: Sequence[str], sources: Sequence[Source]) -> Output | None:
    """Return the source column that a column reference means, or None if that is not plain."""
    names = [fold(part) for part in path]
    if any(source.columns is None for source in sources) or len(names) > 3:
        return None
    hits = [
        column
        for source in sources
        if (names[-1] not in source.merged if len(names) == 1 else source.alias == names[-2])
        for column in source.columns or ()
        if fold(column.name) == names[-1]
    ]
    return hits[0] if len(hits) == 1 else None


def _expanded(star: Node, sources: tuple[Source, ...] | None) -> list[Output] | None:
    """Return the columns that a plain `*` or `t.*` stands for."""
    extras = ("replace_list", "rename_list", "qualified_exclude_list", "expr", "columns")
    if sources is None or any(star.get(extra) for extra in extras):
        return None
    wanted = fold(star["relation_name"])
    excluded = {fold(name) for name in star["exclude_list"]}
    found: list[Output] = []
    for source in sources:
        if wanted and source.alias != wanted:
            continue
        if source.columns is None:
            return None
        left_out = excluded if wanted else excluded | source.merged
        found += [column for column in source.columns if fold(column.name) not in left_out]
    return found


def _merged(join: Node, left: tuple[Source, ...], right: tuple[Source, ...]) -> tuple[Source, ...]:
    """Return what a join by USING holds: its columns are the left side's, unless that may be missing."""
    using = frozenset(fold(name) for name in join["using_columns"])
    if join["join_type"] not in ("INNER", "LEFT"):
        left = tuple(_unknown(source, using) for source in left)
    return left + tuple(replace(source, merged=source.merged | using) for source in right)


def _unknown(source: Source, names: frozenset[str]) -> Source:
    """Return *source* with the columns of *names* being no table's."""
    columns = source.columns and tuple(Output(c.name) if fold(c.name) in names else c for c in source.columns)
    return replace(source, columns=columns)


def _renamed(columns: tuple[Output, ...] | None, aliases: Sequence[str]) -> tuple[Output, ...] | None:
    if columns is None or not aliases:
        return columns
    names = [*aliases, *(column.name for column in columns[len(aliases) :])]
    return tuple(Output(name, c.table, c.column) for name, c in zip(names, columns, strict=False))


def _agreed(branches: list[tuple[Output, ...] | None]) -> tuple[Output, ...] | None:
    """Return the outputs of a set operation: a column only where every branch has the same one."""
    first = branches[0]
    if first is None or any(branch is None or len(branch) != len(first) for branch in branches):
        return None
    return tuple(
        column[0] if len({(c.table, c.column) for c in column}) == 1 else Output(column[0].name)
        for column in zip(*(branch or () for branch in branches), strict=True)
    )


def _makes_rows(item: Node) -> bool:
    """Tell whether an output may become several, so that positions after it are not known."""
    return item["class"] == "FUNCTION" and item["function_name"] in ("unnest", "unlist")
