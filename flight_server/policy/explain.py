"""Says which rule does what to a statement, for the people who write the rules.

It asks the same functions as the step `authorise` and therefore cannot tell
another story; it only goes on where the step stops at the first refusal.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from flight_server.errors import QueryRefused
from flight_server.model import Action, BoundFilter, Mask, MaskFunction, Principal, TableName
from flight_server.policy.evaluate import Unbound, decide, filters_for, masks_for
from flight_server.policy.model import Decision, Policies, RequestContext
from flight_server.steps.authorise import authorise


@dataclass(frozen=True, slots=True)
class ActionExplained:
    """One action on one table, and the rules of access.cedar that decided on it."""

    action: Action
    table: TableName
    exists: bool
    allowed: bool
    rules: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableExplained:
    """What the principal sees of one table; `unbound` says which value a row filter lacks."""

    table: TableName
    filters: tuple[BoundFilter, ...]
    masks: tuple[tuple[str, Mask], ...]
    mask_sources: tuple[str, ...]
    unbound: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer; `refusal` is what the caller would read, empty when the statement is allowed."""

    refusal: str
    actions: tuple[ActionExplained, ...]
    tables: tuple[TableExplained, ...]
    sees_everything: bool

    @property
    def allowed(self) -> bool:
        """Whether the policies let the statement run."""
        return not self.refusal

    @property
    def masked(self) -> tuple[str, ...]:
        """The masked columns, as `schema.table.column`."""
        return tuple(f"{one.table}.{column}" for one in self.tables for column, _ in one.masks)

    @property
    def row_filters(self) -> tuple[str, ...]:
        """The row filters with their values, as SQL to read."""
        return tuple(readable(bound) for one in self.tables for bound in one.filters)


def explain(
    principal: Principal,
    accesses: Sequence[tuple[Action, TableName]],
    policies: Policies,
    known_tables: Container[TableName],
    context: RequestContext,
) -> Explanation:
    """Return why *principal* may or may not do *accesses*, and what it would see."""
    refusal, everything = "", False
    try:
        everything = authorise(principal, accesses, policies, known_tables, context).sees_everything
    except QueryRefused as error:
        refusal = error.message
    pairs = tuple(dict.fromkeys(accesses))
    decisions = decide(policies, principal, pairs, context)
    tables = dict.fromkeys(table for _, table in pairs)
    return Explanation(
        refusal=refusal,
        actions=tuple(
            _action(policies, action, table, table in known_tables, decision)
            for (action, table), decision in zip(pairs, decisions, strict=True)
        ),
        tables=tuple(_table(principal, table, policies) for table in tables),
        sees_everything=everything,
    )


def _action(
    policies: Policies, action: Action, table: TableName, exists: bool, decision: Decision
) -> ActionExplained:
    rules = [policies.access.rules[policy_id] for policy_id in decision.policy_ids]
    named = tuple(f"{rule.effect} {rule.label} ({rule.source})" for rule in rules)
    return ActionExplained(action, table, exists, decision.allowed, named, decision.broken)


def _table(principal: Principal, table: TableName, policies: Policies) -> TableExplained:
    masks = masks_for(policies, principal, table)
    sources = tuple(rule.source for rule in masks.values())
    bites = tuple((column, rule.mask) for column, rule in masks.items())
    try:
        return TableExplained(table, filters_for(policies, principal, table), bites, sources)
    except Unbound as error:
        return TableExplained(table, (), bites, sources, str(error))


def readable(bound: BoundFilter) -> str:
    """Return a row filter with its values in the places of its parameters, for reading only."""
    values = {name: "'" + value.replace("'", "''") + "'" for name, value in bound.values}
    return re.sub(r"\$(\w+)", lambda match: values.get(match[1], match[0]), bound.predicate)


def described(mask: Mask) -> str:
    """Return what a mask does, in a few words."""
    if mask.function is MaskFunction.PARTIAL:
        return f"partial, the last {mask.visible_chars} characters are visible"
    if mask.function is MaskFunction.HASH:
        return "hash, SHA-256" if mask.key is None else "hash, HMAC-SHA-256"
    return str(mask.function)


def lines(explanation: Explanation) -> Iterator[str]:
    """Yield the explanation as text."""
    yield "allowed" if explanation.allowed else f"refused: {explanation.refusal}"
    for one in explanation.actions:
        yield from _action_lines(one)
    for table in explanation.tables:
        yield from _table_lines(table)
    if explanation.sees_everything:
        yield "this principal sees every table, every row and every value"


def _action_lines(one: ActionExplained) -> Iterator[str]:
    yield f"{one.action} on {one.table}: {'allowed' if one.allowed else 'refused'}"
    for rule in one.rules:
        yield f"  {rule}"
    if not one.rules:
        yield "  no rule of access.cedar permits it"
    for rule in one.broken:
        yield f"  not evaluable, because an attribute is missing: {rule}"
    if not one.exists and one.action is not Action.CREATE:
        yield "  the table does not exist"


def _table_lines(one: TableExplained) -> Iterator[str]:
    for bound in one.filters:
        yield f"rows of {one.table}: {readable(bound)} ({bound.source})"
    if one.unbound:
        yield f"rows of {one.table}: refused, {one.unbound}"
    for (column, mask), source in zip(one.masks, one.mask_sources, strict=True):
        yield f"column {one.table}.{column}: {described(mask)} ({source})"
