"""Which columns of a remote table a query can need, by name alone.

A name that stands anywhere in the query counts for every table that has such a
column. A `*`, or a form in which names are not written out, counts for all
columns; but the `*` inside of a derived table whose outputs are all written out
counts for nothing, and that is how a secured table looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from flight_server.stores.catalog import Table
from flight_server.syntax.facts import below, gather
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node


def needed_columns(
    root: Node, nodes: Sequence[Node], table_of: Callable[[Node], Table]
) -> dict[int, tuple[str, ...]]:
    """Return, by the id of a table node, the names of the columns to fetch, at least one.

    Outputs of secured tables that nobody names are taken out of *root*.
    """
    written_out = [select for select in gather(root).selects if _is_written_out(select)]
    if not _is_wide(root, written_out):
        for select in written_out:
            _drop_unnamed(root, select)
    facts = gather(root)
    named = _named(facts.columns, facts.function_nodes) | _joined(root)
    wide = _is_wide(root, written_out)
    wholes = {fold(node["column_names"][-1]) for node in facts.columns}
    found = {}
    for node in nodes:
        columns = tuple(column.name for column in table_of(node).columns)
        alias = fold(node.get("alias") or node["qualified_name"]["path"][-1])
        as_a_row = alias in wholes and alias not in map(fold, columns)
        kept = columns if wide or as_a_row else tuple(name for name in columns if fold(name) in named)
        found[id(node)] = kept or columns[:1]
    return found


def _is_written_out(select: Node) -> bool:
    """Tell whether *select* names what it takes from `(SELECT * FROM table ..) AS f`."""
    source = select["from_table"]
    inner = source.get("subquery", {}).get("node", {}) if source.get("type") == "SUBQUERY" else {}
    items = inner.get("select_list") or []
    base = (inner.get("from_table") or {}).get("type") == "BASE_TABLE"
    starred = len(items) == 1 and items[0].get("class") == "STAR" and not items[0].get("exclude_list")
    return (
        base and starred and all(item.get("alias") for item in select["select_list"]) and not _stars(select)
    )


def _stars(select: Node) -> bool:
    return any(node.get("class") == "STAR" for item in select["select_list"] for node in below(item))


def _inner_stars(written_out: Iterable[Node]) -> set[int]:
    return {id(select["from_table"]["subquery"]["node"]["select_list"][0]) for select in written_out}


def _is_wide(root: Node, written_out: Sequence[Node]) -> bool:
    """Tell whether columns may be used that are not written out."""
    harmless = _inner_stars(written_out)
    return any(
        node.get("ref_type") == "NATURAL"
        or node.get("join_type") == "NATURAL"
        or node.get("type") in ("PIVOT", "POSITIONAL_REFERENCE", "SHOW_REF")
        or (node.get("class") == "STAR" and id(node) not in harmless)
        for node in below(root)
    )


def _drop_unnamed(root: Node, select: Node) -> None:
    """Take the outputs out of *select*, a derived table, that nobody outside of it names."""
    holder = next((n for n in below(root) if n.get("type") == "SUBQUERY" and _held(n) is select), None)
    if holder is None or holder.get("column_name_alias") or holder.get("class"):
        return
    inside = {id(node) for node in below(select)}
    facts = gather(root)
    columns = [node for node in facts.columns if id(node) not in inside]
    named = _named(columns, (node for node in facts.function_nodes if id(node) not in inside)) | _joined(root)
    if fold(holder.get("alias", "")) in {fold(node["column_names"][-1]) for node in columns}:
        return
    kept = [item for item in select["select_list"] if fold(item["alias"]) in named]
    select["select_list"] = kept or select["select_list"][:1]


def _held(node: Node) -> object:
    subquery = node.get("subquery")
    return subquery.get("node") if isinstance(subquery, dict) else None


def _named(columns: Iterable[Node], functions: Iterable[Node]) -> set[str]:
    names = {fold(part) for node in columns for part in node["column_names"]}
    return names | {fold(part) for node in functions for part in node["qualified_name"]["path"][:-1]}


def _joined(root: Node) -> set[str]:
    return {fold(name) for node in below(root) for name in node.get("using_columns") or ()}
