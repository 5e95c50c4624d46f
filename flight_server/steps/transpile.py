"""Step 8: the tree becomes the text that the engine runs, and a referee reads that text again.

The referee is DuckDB's parser on the printed text: whatever the steps before
misunderstood, the text may name no table but the ones put there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import SEQUENCES, Kind, Mask, Statement, TableName
from flight_server.semantic.names import STORES
from flight_server.steps.overwrite import overwriting
from flight_server.steps.parse import write_target
from flight_server.steps.restrict_rows import Restricted, Sealed
from flight_server.stores.catalog import CatalogSnapshot
from flight_server.syntax.catalog_queries import asks_about_catalog, name_sealed
from flight_server.syntax.facts import Facts, gather
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Parser, only_statement
from flight_server.syntax.repeatable import reads_clock, tables_of_repeatable
from flight_server.syntax.row_writes import SOURCE, Check
from flight_server.syntax.views import with_beneath


@dataclass(frozen=True, slots=True)
class Plan:
    """What an engine runs; only `transpile` makes one.

    Attributes:
        sql: Text in the engine's dialect.
        check: How a write is held to rows that its principal can see afterwards, or None.
        parameters: How many values it takes.
        hides: Whether anything is filtered, masked or closed, so that engine texts stay inside.
        masked: Mask of every output column that is a masked column unchanged.
        late: Those of them whose arrays are still to be masked.
        names: Names to give the outputs, where they can be told; empty otherwise.
        nonce: The word that no output name may hold.
        reads_clock: Whether it may ask for the time, which a transaction holds still.
        decided_by: The tables whose state alone decides the answer; None if more does.
        returns: Whether a write answers with rows of its own, by RETURNING.
        before: Statements of ours that run before it, in the same transaction.
        after: Those that run after it.
        unseals: Whether it may tell the name of the sealed catalog, which has a public one.
        advances: Whether a query moves or looks at a sequence, so that it is no mere read.
        expected: The raw tables that the binder may find in it; empty if the caller administers.
        written: The table it changes, or None.
    """

    kind: Kind
    verb: str
    sql: str
    check: Check | None
    parameters: int
    hides: bool
    tables: tuple[TableName, ...]
    masked: tuple[tuple[int, Mask], ...]
    late: tuple[tuple[int, Mask], ...]
    written: TableName | None
    names: tuple[str, ...] = ()
    nonce: str = ""
    expected: frozenset[TableName] = frozenset()
    reads_clock: bool = True
    decided_by: frozenset[TableName] | None = None
    returns: bool = False
    advances: bool = False
    unseals: bool = False
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def transpile(
    restricted: Restricted,
    parser: Parser,
    catalog: CatalogSnapshot,
    sealed: Sealed,
    repeatable: frozenset[str] = frozenset(),
) -> Plan:
    """Return the plan of *restricted*, checked by reading its text once more.

    Args:
        repeatable: Functions that give the same result for the same arguments, in every query.

    Raises:
        QueryRefused: POLICY_DENIED if the text means anything else than the tree.
    """
    statement = restricted.statement
    sql = statement.text
    expected: frozenset[TableName] = frozenset()
    unseals = _unseals(restricted, catalog, sealed)
    if restricted.tree is not None:
        write = statement.kind is Kind.WRITE and not restricted.write and statement.verb != STORES
        sql = parser.print_write(restricted.tree) if write else parser.print_read(restricted.tree)
        if not restricted.grant.administers:
            expected = with_beneath(_referee(sql, parser, write, sealed) | restricted.targets, catalog)
        if restricted.write:
            sql = restricted.write.replace(SOURCE, sql)
        sql = statement.explain + sql
    facts = gather(restricted.tree) if restricted.tree is not None else None
    before, after = (
        overwriting(restricted, catalog, sealed.nonce)
        if statement.overwrites
        else (statement.before, statement.after)
    )
    written = next((name for action, name in statement.accesses if action != "select"), None)
    return Plan(
        kind=statement.kind,
        verb=statement.verb,
        sql=sql,
        check=restricted.check,
        parameters=statement.parameters,
        hides=not restricted.grant.sees_everything,
        tables=statement.tables,
        masked=restricted.masked,
        late=restricted.late,
        written=written,
        names=restricted.names,
        nonce=sealed.nonce,
        expected=expected,
        reads_clock=facts is None or reads_clock(facts, statement.tables, catalog),
        decided_by=_decided_by(statement, facts, sealed, catalog, repeatable, parser),
        returns=facts is not None and any(node.get("returning_list") for node in facts.writes),
        before=before,
        after=after,
        unseals=unseals,
        advances=facts is not None and not facts.functions.isdisjoint(SEQUENCES),
    )


def _unseals(restricted: Restricted, catalog: CatalogSnapshot, sealed: Sealed) -> bool:
    """Tell whether a query may answer with the sealed catalog's name; its tree then means the public one."""
    if restricted.tree is None or not restricted.grant.sees_everything:
        return False
    if asks_about_catalog(gather(restricted.tree), catalog, sealed.catalog):
        name_sealed(restricted.tree, sealed.catalog)
        return True
    return bool(restricted.statement.explain)


def _decided_by(
    statement: Statement,
    facts: Facts | None,
    sealed: Sealed,
    catalog: CatalogSnapshot,
    repeatable: frozenset[str],
    parser: Parser,
) -> frozenset[TableName] | None:
    """Return the tables that alone decide the answer of a query, or None if its answer must not be kept."""
    if facts is None or statement.kind is not Kind.READ or statement.explain:
        return None
    return tables_of_repeatable(facts, sealed.catalog, catalog, repeatable, parser)


def _referee(sql: str, parser: Parser, write: bool, sealed: Sealed) -> frozenset[TableName]:
    """Refuse a printed text in which DuckDB's parser finds what was not put there; return its tables."""
    tree = json.loads(parser.parse_write(sql) if write else parser.parse_read(sql))
    facts = gather(only_statement(tree))
    paths = [node["qualified_name"]["path"] for node in facts.tables]
    paths += [write_target(node)["qualified_name"]["path"] for node in facts.writes]
    holders = {sealed.catalog, "temp", sealed.shadow or "temp"}
    strangers = [path for path in paths if len(path) != 3 or fold(path[0]) not in holders]
    if strangers or len(facts.writes) != int(write) or facts.unknown:
        raise QueryRefused(
            ErrorCode.POLICY_DENIED,
            "This form of query is not permitted",
            detail=f"referee: {strangers}, {len(facts.writes)} writes, unknown {sorted(facts.unknown)}",
        )
    return frozenset(TableName(fold(path[1]), fold(path[2])) for path in paths)
