"""Step 3: text to a statement with its names resolved, by DuckDB's own parser."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action, Kind, Statement, TableName
from flight_server.semantic.names import MEMORY, STORES
from flight_server.semantic.rewrite import stored_call
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax import definitions
from flight_server.syntax.facts import Facts, below, gather
from flight_server.syntax.names import fold, resolve
from flight_server.syntax.parser import Node, Parser, only_statement, write_body

_WRITE_ACTIONS = {
    "INSERT_QUERY_NODE": Action.INSERT,
    "UPDATE_QUERY_NODE": Action.UPDATE,
    "DELETE_QUERY_NODE": Action.DELETE,
}
_OPTION = r"(?:ANALYZE|FORMAT\s+\w+)"
_EXPLAIN = re.compile(
    rf"\s*EXPLAIN\b\s*(ANALYZE\b\s*)?(\(\s*{_OPTION}(?:\s*,\s*{_OPTION})*\s*\)\s*)?", re.IGNORECASE
)
_NESTED_WRITE = "a query may not change data inside a common table expression"


def parse(
    sql: str,
    parser: Parser,
    catalog: CatalogSnapshot,
    default_schema: str,
    temporary: Collection[TableName] = (),
) -> Statement:
    """Return *sql* as a statement whose tables are names of the public catalog.

    Args:
        sql: One statement in DuckDB's dialect.
        temporary: Tables of the session, which hide the catalog's.

    Raises:
        QueryRefused: QUERY_PARSE_ERROR; INVALID_REQUEST for none or several statements;
            POLICY_DENIED for a kind of statement that nobody may send.
    """
    verbs = parser.kinds(sql)
    if len(verbs) > 1 and verbs != ["MULTI"] and set(verbs) != {"MULTI"}:
        raise QueryRefused(
            ErrorCode.INVALID_REQUEST, "Invalid request: send exactly one statement in each query"
        )
    if not verbs:
        raise QueryRefused(ErrorCode.INVALID_REQUEST, "Invalid request: the SQL text holds no statement")
    verb = verbs[0]
    bare = parser.without_comments(sql) if verb == "EXPLAIN" else ""
    explain = _EXPLAIN.match(bare)
    if explain:
        return _explained(bare, explain, parser, catalog, default_schema, temporary)
    if verb == "SELECT":
        return _read(sql, parser, catalog, default_schema, temporary)
    if verb in ("INSERT", "UPDATE", "DELETE"):
        return _write(sql, verb, parser, catalog, default_schema, temporary)
    return definitions.read_definition(sql, verb, parser, catalog, default_schema)


def _explained(
    sql: str,
    explain: re.Match[str],
    parser: Parser,
    catalog: CatalogSnapshot,
    default_schema: str,
    temporary: Collection[TableName],
) -> Statement:
    """Read the query under an EXPLAIN; anything but a read under it is refused."""
    inner = sql[explain.end() :]
    if parser.kinds(inner) != ["SELECT"]:
        raise QueryRefused(ErrorCode.POLICY_DENIED, "EXPLAIN is permitted for queries")
    prefix = "EXPLAIN " + "".join(f"{part.strip().upper()} " for part in explain.groups() if part)
    return _read(inner, parser, catalog, default_schema, temporary, prefix)


def _read(
    sql: str,
    parser: Parser,
    catalog: CatalogSnapshot,
    default_schema: str,
    temporary: Collection[TableName],
    explain: str = "",
) -> Statement:
    serialized = parser.parse_read(sql)
    root = only_statement(json.loads(serialized))["node"]
    facts = gather(root)
    if facts.writes:
        raise QueryRefused(ErrorCode.POLICY_DENIED, _NESTED_WRITE)
    if stored_call(root, facts) is not None:
        return _store(sql, serialized, facts, default_schema)
    names = [_name(node, catalog, default_schema, temporary) for node in facts.tables]
    return Statement(
        text=sql,
        kind=Kind.READ,
        verb="SELECT",
        tree=serialized,
        accesses=tuple(dict.fromkeys((Action.SELECT, name) for name in names if name)),
        parameters=_count_parameters(facts),
        default_schema=default_schema,
        functions=_functions(facts),
        unselective_scans=count_unselective(facts),
        selects_star=_selects_star(facts),
        estimated_rows=_estimated_rows(root, [name for name in names if name], catalog),
        explain=explain,
        temporary=frozenset(temporary),
    )


def _store(sql: str, serialized: str, facts: Facts, default_schema: str) -> Statement:
    """Return the statement that stores one memory, which is written as a query."""
    return Statement(
        text=sql,
        kind=Kind.WRITE,
        verb=STORES,
        tree=serialized,
        accesses=((Action.INSERT, MEMORY),),
        parameters=_count_parameters(facts),
        default_schema=default_schema,
        functions=_functions(facts),
        unselective_scans=0,
        selects_star=False,
        estimated_rows=1,
    )


def _write(
    sql: str,
    verb: str,
    parser: Parser,
    catalog: CatalogSnapshot,
    default_schema: str,
    temporary: Collection[TableName],
) -> Statement:
    serialized = parser.parse_write(sql)
    body = write_body(json.loads(serialized))
    facts = gather(body)
    if len(facts.writes) != 1 or body["type"] not in _WRITE_ACTIONS:
        raise QueryRefused(ErrorCode.POLICY_DENIED, _NESTED_WRITE)
    target = write_target(body)
    name = _name(target, catalog, default_schema, temporary)
    sources = [_name(node, catalog, default_schema, temporary) for node in facts.tables if node is not target]
    accesses = [(_WRITE_ACTIONS[body["type"]], name)] if name else []
    if body.get("on_conflict_info") and name:
        accesses.append((Action.UPDATE, name))
    reads_target = body["type"] != "INSERT_QUERY_NODE" or bool(body.get("returning_list"))
    if name and reads_target and _reads_columns(facts):
        accesses.append((Action.SELECT, name))
    accesses += [(Action.SELECT, source) for source in sources if source]
    return Statement(
        text=sql,
        kind=Kind.WRITE,
        verb="TRUNCATE" if parser.first_word(sql) == "truncate" else verb,
        tree=serialized,
        accesses=tuple(dict.fromkeys(accesses)),
        parameters=_count_parameters(facts),
        default_schema=default_schema,
        functions=_functions(facts),
        unselective_scans=count_unselective(facts),
        selects_star=_selects_star(facts),
        estimated_rows=0,
        temporary=frozenset(temporary),
    )


def write_target(body: Node) -> Node:
    """Return the node that names the table which *body* writes to."""
    if body["type"] == "INSERT_QUERY_NODE":
        return body
    target: Node = body["table"]
    return target


def _reads_columns(facts: Facts) -> bool:
    """Tell whether an UPDATE or DELETE looks at columns, as PostgreSQL's SELECT right demands."""
    return bool(facts.columns or facts.stars)


def _name(
    node: Node, catalog: CatalogSnapshot, default_schema: str, temporary: Collection[TableName]
) -> TableName | None:
    """Return the public table that *node* names, or None for one of the session's own.

    A table of another catalog gets a name that no policy can hold, so that only
    those who may do everything get past it.
    """
    path = node["qualified_name"]["path"]
    name = resolve(path, catalog.schemas, default_schema)
    if name is None:
        return TableName(".".join(map(fold, path[:-1])), fold(path[-1]))
    if len(path) == 1 and TableName("temp", name.table) in temporary:
        return None
    return name


def _count_parameters(facts: Facts) -> int:
    """Return how many positional values the statement needs; named parameters are refused."""
    if not all(identifier.isdigit() for identifier in facts.parameters):
        raise QueryRefused(
            ErrorCode.INVALID_REQUEST, "Invalid request: parameters are positional ($1, $2 or ?)"
        )
    return max(map(int, facts.parameters), default=0)


def _functions(facts: Facts) -> frozenset[str]:
    return frozenset(facts.functions) | {
        fold(node["function"]["function_name"]) for node in facts.table_functions
    }


def _selects_star(facts: Facts) -> bool:
    """Tell whether a select list holds a plain `*`."""
    items = {id(item) for select in facts.selects for item in select["select_list"]}
    return any(id(star) in items and not star.get("columns") for star in facts.stars)


def count_unselective(facts: Facts) -> int:
    """Return how many base tables are read without a predicate on a column."""
    total = 0
    tables = {id(node) for node in facts.tables}
    for select in facts.selects:
        where = select.get("where_clause")
        if where and any(node.get("class") == "COLUMN_REF" for node in below(where)):
            continue
        total += sum(1 for node in _from_nodes(select.get("from_table")) if id(node) in tables)
    return total


def _from_nodes(root: object) -> list[Node]:
    """Return the base-table nodes of a FROM clause itself, not of its subqueries."""
    found: list[Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, dict) and node.get("type") in ("JOIN", "PIVOT"):
            stack.extend((node.get("left"), node.get("right"), node.get("source")))
        elif isinstance(node, dict) and node.get("type") == "BASE_TABLE":
            found.append(node)
    return found


def _estimated_rows(root: Node, names: list[TableName], catalog: CatalogSnapshot) -> int:
    """Return the largest table's rows, cut by a constant LIMIT; one for a bare aggregate."""
    rows = max((catalog.tables[name].estimated_rows for name in names if name in catalog.tables), default=1)
    if root.get("aggregate_handling") == "STANDARD_HANDLING" and _is_bare_aggregate(root):
        return 1
    for modifier in root.get("modifiers", []):
        limit = (modifier.get("limit") or {}).get("literal") if modifier["type"] == "LIMIT_MODIFIER" else None
        if limit and limit["kind"] == "INTEGER":
            rows = min(rows, int(limit["text"]))
    return rows


_BARE_AGGREGATES = frozenset({"count_star", "count", "sum", "min", "max", "avg"})


def _is_bare_aggregate(root: Node) -> bool:
    items = root.get("select_list", [])
    return (
        bool(items)
        and not root.get("group_expressions")
        and all(
            item.get("class") == "FUNCTION" and item["function_name"] in _BARE_AGGREGATES for item in items
        )
    )
