"""Definitions and transaction control: which table they touch, and the text DuckDB gets.

DuckDB's tree of these cannot be printed, so sqlglot reads off the tables and
DuckDB executes its own parsed statement. Only a principal that no filter and no
mask concerns gets this far; what sqlglot cannot read is for administrators.
"""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action, Kind, Statement, TableName
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.names import DEFAULT_SCHEMA, PUBLIC_CATALOG, fold, resolve
from flight_server.syntax.parser import Parser

DEFINITIONS = frozenset({"CREATE", "DROP", "ALTER", "MERGE_INTO", "MULTI", "COPY", "VACUUM", "CALL"})
_TABLE_KINDS = frozenset({"TABLE", "VIEW"})
_TRANSACTION = re.compile(r"\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)
_TRANSACTION_TEXT = {
    "BEGIN": "BEGIN TRANSACTION",
    "START": "BEGIN TRANSACTION",
    "COMMIT": "COMMIT",
    "END": "COMMIT",
    "ROLLBACK": "ROLLBACK",
    "ABORT": "ROLLBACK",
}
_SET_UTC = re.compile(  # the engine's only time zone, which clients like to make sure of
    r"""\s*SET\s+(?:SESSION\s+|LOCAL\s+)?TIME\s*ZONE\s*(?:=|TO\b)?\s*(["']?)(?:ETC/)?UTC\1\s*;?\s*""",
    re.IGNORECASE,
)
_PLAIN_CALLS = re.compile(r"\s*(FORCE\s+)?CHECKPOINT\s*;?\s*", re.IGNORECASE)


def read_definition(
    sql: str, verb: str, parser: Parser, catalog: CatalogSnapshot, default_schema: str
) -> Statement:
    """Return the statement *sql* of type *verb*, which is neither a read nor a plain write.

    Raises:
        QueryRefused: POLICY_DENIED for what nobody may send, such as ATTACH, LOAD or PRAGMA.
    """
    text = _without_public_catalog(sql, parser)
    bare = parser.without_comments(text)
    if verb == "TRANSACTION":
        return _statement(_transaction_text(bare), Kind.CONTROL, verb, default_schema)
    if verb == "SET" and _SET_UTC.fullmatch(bare):
        return _statement("", Kind.CONTROL, "SET", default_schema)
    if verb == "SET":
        return _statement(_used_schema(bare), Kind.CONTROL, "USE", default_schema)
    if verb not in DEFINITIONS or (verb == "CALL" and not _PLAIN_CALLS.fullmatch(bare)):
        raise QueryRefused(ErrorCode.POLICY_DENIED, f"Statements of type {verb} are not permitted")
    tree = _sqlglot_tree(text)
    accesses = () if tree is None else _accesses(tree, catalog, default_schema)
    return _statement(text, Kind.DEFINE, verb, default_schema, accesses, administrative=not accesses)


def _statement(
    text: str,
    kind: Kind,
    verb: str,
    default_schema: str,
    accesses: tuple[tuple[Action, TableName], ...] = (),
    administrative: bool = False,
) -> Statement:
    return Statement(
        text=text,
        kind=kind,
        verb=verb,
        tree="",
        accesses=accesses,
        parameters=0,
        default_schema=default_schema,
        functions=frozenset(),
        unselective_scans=0,
        selects_star=False,
        estimated_rows=0,
        administrative=administrative,
    )


def _without_public_catalog(sql: str, parser: Parser) -> str:
    """Return *sql* without the prefix `hatidata.` of its names; strings and comments stay as they are."""
    tokens = parser.tokens(sql)
    encoded = sql.encode()
    starts = [offset for offset, _ in tokens] + [len(encoded)]
    pieces = [encoded[: starts[0]]]
    skip = False
    for index, (offset, kind) in enumerate(tokens):
        piece = encoded[offset : starts[index + 1]]
        following = encoded[starts[index + 1] :][:1]
        if skip:
            skip = False
            pieces.append(piece[1:])
        elif (
            "identifier" in kind
            and fold(piece.decode().strip().strip('"')) == PUBLIC_CATALOG
            and following == b"."
        ):
            skip = True
        else:
            pieces.append(piece)
    return b"".join(pieces).decode()


def _transaction_text(text: str) -> str:
    match = _TRANSACTION.match(text)
    if not match:
        raise QueryRefused(ErrorCode.POLICY_DENIED, "This transaction statement is not permitted")
    return _TRANSACTION_TEXT[match.group(1).upper()]


def _used_schema(text: str) -> str:
    """Return the schema that a USE names, whether it exists or not; other settings are refused."""
    match = re.fullmatch(r'\s*USE\s+"?([^"\s;]+)"?\s*;?\s*', text, re.IGNORECASE)
    if not match:
        raise QueryRefused(ErrorCode.POLICY_DENIED, "Settings of the engine are not permitted")
    name = fold(match.group(1))
    return DEFAULT_SCHEMA if name == PUBLIC_CATALOG else name


def _sqlglot_tree(text: str) -> exp.Expression | None:
    """Return sqlglot's tree of *text*, or None where it does not really understand it."""
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return None
    known = (exp.Create, exp.Drop, exp.Alter, exp.Merge, exp.Comment, exp.Pivot, exp.Select)
    return tree if isinstance(tree, known) else None


def _accesses(
    tree: exp.Expression, catalog: CatalogSnapshot, default_schema: str
) -> tuple[tuple[Action, TableName], ...]:
    """Return what the definition does to which table, the target first; empty if unsure."""
    ctes = {fold(cte.alias) for cte in tree.find_all(exp.CTE)}
    names = [
        resolve([part.name for part in table.parts], catalog.schemas, default_schema)
        for table in tree.find_all(exp.Table)
        if not (len(table.parts) == 1 and fold(table.name) in ctes)
    ]
    tables = [name for name in names if name is not None]
    if len(tables) != len(names):
        return ()
    actions = _actions_on_target(tree)
    if not actions:
        return tuple((Action.SELECT, name) for name in tables)
    if isinstance(tree, (exp.Create, exp.Drop)) and str(tree.args.get("kind")).upper() not in _TABLE_KINDS:
        return ()
    if isinstance(tree, exp.Drop):
        return tuple((Action.DROP, name) for name in tables)
    target = tree.this.find(exp.Table) if tree.this else None
    if target is None:
        return ()
    name = resolve([part.name for part in target.parts], catalog.schemas, default_schema)
    if name is None:
        return ()
    if tree.find(exp.AlterRename):
        return (Action.ALTER, name), *((Action.CREATE, TableName(name.schema, n.table)) for n in tables[1:])
    sources = [source for source in tables if source != name]
    return tuple((action, name) for action in actions) + tuple((Action.SELECT, s) for s in sources)


def _actions_on_target(tree: exp.Expression) -> tuple[Action, ...]:
    if isinstance(tree, exp.Create):
        return (Action.CREATE, Action.DROP) if tree.args.get("replace") else (Action.CREATE,)
    if isinstance(tree, exp.Drop):
        return (Action.DROP,)
    if isinstance(tree, (exp.Alter, exp.Comment)):
        return (Action.ALTER,)
    if isinstance(tree, exp.Merge):
        return (Action.SELECT, Action.INSERT, Action.UPDATE, Action.DELETE)
    return ()
