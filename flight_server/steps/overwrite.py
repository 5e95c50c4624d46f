"""INSERT OVERWRITE: what empties the table around an INSERT, in one transaction with it."""

from __future__ import annotations

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import TableName
from flight_server.steps.restrict_rows import Restricted
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.facts import gather
from flight_server.syntax.names import fold, quote
from flight_server.syntax.parser import Node, write_body


def overwriting(
    restricted: Restricted, catalog: CatalogSnapshot, nonce: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the statements to run before and after the INSERT of *restricted*.

    The old rows go first, which lets the new ones have their keys. Where the new rows may be made
    of the old ones, those go last, told apart by their row identities.

    Raises:
        QueryRefused: POLICY_DENIED, for who would not see all of the rows that go.
    """
    names = [name for action, name in restricted.statement.accesses if action != "select"]
    grants = [restricted.grant.tables[name] for name in names]
    if any(grant.filters for grant in grants) or restricted.tree is None:
        raise QueryRefused(
            ErrorCode.POLICY_DENIED, "INSERT OVERWRITE of a filtered table is not permitted; use DELETE"
        )
    body = write_body(restricted.tree)
    path: list[str] = body["qualified_name"]["path"]
    target = ".".join(map(quote, path))
    if any(_is_remote(name, catalog) for name in names):
        raise QueryRefused(ErrorCode.QUERY_ERROR, "SQL error: INSERT OVERWRITE of a remote table")
    if all(_is_another(node["qualified_name"]["path"], path, catalog) for node in _sources(body)):
        return (f"DELETE FROM {target}",), ()
    last = f"__last_{nonce}"
    return (
        (f"SET VARIABLE {last} = (SELECT max(rowid) FROM {target})",),
        (f"DELETE FROM {target} WHERE rowid <= getvariable('{last}')", f"RESET VARIABLE {last}"),
    )


def _sources(body: Node) -> list[Node]:
    return [node for node in gather(body).tables if node is not body.get("table_ref")]


def _is_another(source: list[str], target: list[str], catalog: CatalogSnapshot) -> bool:
    """Tell whether a source is surely not the target, nor a view that may read it."""
    if len(source) != 3 or [*map(fold, source)] == [*map(fold, target)]:
        return False
    table = catalog.tables.get(TableName(fold(source[1]), fold(source[2])))
    return table is not None and not table.is_view


def _is_remote(name: TableName, catalog: CatalogSnapshot) -> bool:
    table = catalog.tables.get(name)
    return table is not None and bool(table.engine)
