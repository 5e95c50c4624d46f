"""Steps 3, 7 and 8 remembered: a repeated query pays no parsing.

What is compiled for one grant can never serve another: the key of a plan holds
the statement and everything of the grant that the rewriting looks at.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from flight_server.dialects.known_tables import KnownTables
from flight_server.dialects.translate import Translation, translate
from flight_server.model import Dialect, Grant, Statement, TableName
from flight_server.recent import Recent
from flight_server.semantic.names import ABOUT_THE_CALLER
from flight_server.steps.parse import parse
from flight_server.steps.restrict_rows import Restricted, Sealed, restrict_rows
from flight_server.steps.transpile import Plan, transpile
from flight_server.stores.catalog import CatalogSnapshot, Table
from flight_server.syntax.bound_rows import over_rows
from flight_server.syntax.parser import Parser

LONGEST_REMEMBERED = 100_000
MOST_BYTES = 64 << 20
"""How much text the remembered statements may hold, and the plans again."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A parsed statement and the key under which its plans are remembered."""

    statement: Statement
    key: Hashable
    catalog: CatalogSnapshot


class Compiler:
    """Parses, restricts and transpiles, and remembers what came of it.

    Args:
        entries: How many statements and how many plans are kept.
        repeatable: Functions that give the same result for the same arguments, in every query.
    """

    def __init__(
        self, parser: Parser, sealed: Sealed, entries: int, repeatable: frozenset[str] = frozenset()
    ) -> None:
        self.parser = parser
        self._sealed = sealed
        self._repeatable = repeatable
        self._statements: Recent[Statement] = Recent(max(entries, 1), MOST_BYTES)
        self._plans: Recent[Plan] = Recent(max(entries, 1), MOST_BYTES)
        self._over_rows: Recent[str] = Recent(max(entries, 1))
        self._enabled = entries > 0

    @property
    def remembered(self) -> int:
        """How many plans are kept."""
        return len(self._plans)

    def understand(
        self,
        sql: str,
        dialect: Dialect,
        catalog: CatalogSnapshot,
        default_schema: str,
        temporary: frozenset[TableName],
        own_tables: tuple[Table, ...] = (),
    ) -> Understood:
        """Return *sql* parsed, from memory if it was before (step 3).

        Args:
            temporary: Names that hide the catalog's; of *own_tables* the columns are known, too.
        """
        key = (sql, dialect, catalog.version, default_schema, temporary, own_tables)
        statement = self._statements.get(key)
        if statement is None:
            known = KnownTables(catalog, default_schema, temporary, own_tables)
            translation = translate(sql, dialect, self.parser.accepts, known.columns, known.layout)
            statement = parse(translation.text, self.parser, catalog, default_schema, temporary)
            if translation.translated:
                statement = _with_translation(statement, translation, known)
            if self._enabled and len(sql) <= LONGEST_REMEMBERED:
                self._statements.put(key, statement, len(sql) + len(statement.tree))
        return Understood(statement, key, catalog)

    def known_plan(self, understood: Understood, grant: Grant) -> Plan | None:
        """Return the plan made earlier for the same statement under an equal grant."""
        return self._plans.get(_plan_key(understood, grant))

    def restrict(self, understood: Understood, grant: Grant) -> Restricted:
        """Return the statement cut down to what *grant* leaves (step 7)."""
        return restrict_rows(understood.statement, grant, self.parser, understood.catalog, self._sealed)

    def print(self, understood: Understood, restricted: Restricted) -> Plan:
        """Return the plan of a restricted statement (step 8), and remember it."""
        plan = transpile(restricted, self.parser, understood.catalog, self._sealed, self._repeatable)
        if self._enabled and len(plan.sql) <= LONGEST_REMEMBERED:
            self._plans.put(_plan_key(understood, restricted.grant), plan, len(plan.sql))
        return plan

    def over_rows(self, plan: Plan) -> str:
        """Return the text that runs the write *plan* for many rows of values at once; empty if none does."""
        text = self._over_rows.get(plan.sql)
        if text is None:
            text = over_rows(plan.sql, self.parser) if plan.verb == "INSERT" else ""
            if len(plan.sql) <= LONGEST_REMEMBERED:
                self._over_rows.put(plan.sql, text)
        return text


def _with_translation(statement: Statement, translation: Translation, known: KnownTables) -> Statement:
    """Return *statement* with what its text does not say and its translation does."""
    also = tuple((action, name) for action, parts in translation.also if (name := known.name(parts)))
    return replace(
        statement,
        translated=True,
        before=translation.before,
        after=translation.after,
        overwrites=translation.overwrites,
        accesses=tuple(dict.fromkeys(statement.accesses + also)),
    )


def _plan_key(understood: Understood, grant: Grant) -> Hashable:
    """Return what a plan is remembered under: all that it was made of."""
    about_the_caller = not understood.statement.functions.isdisjoint(ABOUT_THE_CALLER)
    agent = grant.principal.agent_id if about_the_caller else ""
    return (understood.key, grant.fingerprint(), agent)
