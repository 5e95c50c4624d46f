"""Decides whether a principal may run a statement, and what it sees of each table.

Only this module makes a `Grant`. A table that does not exist is refused in the
words of one that is closed: who may not see a table cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action, Grant, Principal, TableGrant, TableName
from flight_server.policy.evaluate import (
    Unbound,
    administers,
    decide,
    filters_for,
    masks_for,
    may_do_anything,
    relevant_context,
    sees_everything,
)
from flight_server.policy.model import Policies, Refusal, RequestContext

Access = tuple[Action, TableName]


def authorise(
    principal: Principal,
    accesses: Sequence[Access],
    policies: Policies,
    known_tables: Container[TableName],
    context: RequestContext,
) -> Grant:
    """Return what *principal* is granted for a statement that does *accesses*.

    A statement that touches no table is for those who may do anything at all.

    Args:
        accesses: What the statement does to which table; a table may come several times.
        known_tables: The tables that exist. One that does not is refused, unless it is
            being created or the principal sees everything.

    Raises:
        QueryRefused: POLICY_DENIED, naming the agent and the first table it may not access.
    """
    known = tuple(action is Action.CREATE or table in known_tables for action, table in accesses)
    outcome = _remembered(principal, tuple(accesses), known, policies, context)
    if isinstance(outcome, Refusal):
        raise QueryRefused(ErrorCode.POLICY_DENIED, outcome.message, detail=outcome.detail)
    return outcome


def _remembered(
    principal: Principal,
    accesses: tuple[Access, ...],
    known: tuple[bool, ...],
    policies: Policies,
    context: RequestContext,
) -> Grant | Refusal:
    who = (principal.key_prefix, principal.environment, principal.fingerprint())
    key: Hashable = (who, accesses, known, relevant_context(policies.access, context))
    outcome = policies.memory.outcomes.get(key)
    if outcome is None:
        outcome = _outcome(principal, accesses, known, policies, context)
        policies.memory.outcomes.put(key, outcome)
    return outcome


def _outcome(
    principal: Principal,
    accesses: tuple[Access, ...],
    known: tuple[bool, ...],
    policies: Policies,
    context: RequestContext,
) -> Grant | Refusal:
    everything = sees_everything(policies, principal, context)
    if not accesses and not may_do_anything(policies, principal, context):
        return _refusal(principal, None, "no action on any table is allowed")
    decisions = decide(policies, principal, accesses, context)
    for (action, table), exists, decision in zip(accesses, known, decisions, strict=True):
        if not decision.allowed:
            why = f"{action} on {table}: {', '.join(decision.reasons) or 'no policy allows it'}"
            return _refusal(principal, table, _with_broken(why, decision.broken), decision.reasons)
        if not exists and not everything:
            return _refusal(principal, table, f"{action} on {table}: the table does not exist")
    try:
        tables = {table: _table_grant(principal, table, policies) for _, table in accesses}
    except Unbound as error:
        return _refusal(principal, error.table, str(error))
    reasons = dict.fromkeys(reason for decision in decisions for reason in decision.reasons)
    return Grant(
        principal=principal,
        tables=tables,
        sees_everything=everything,
        administers=everything and administers(policies, principal, context),
        limits=policies.limits_of(principal.roles),
        reasons=tuple(reasons),
        policy_version=policies.version,
    )


def _table_grant(principal: Principal, table: TableName, policies: Policies) -> TableGrant:
    filters = filters_for(policies, principal, table)
    masks = masks_for(policies, principal, table)
    return TableGrant(table, filters, tuple((column, rule.mask) for column, rule in masks.items()))


def _with_broken(why: str, broken: tuple[str, ...]) -> str:
    return f"{why}; not evaluable: {', '.join(broken)}" if broken else why


def _refusal(
    principal: Principal, table: TableName | None, detail: str, reasons: tuple[str, ...] = ()
) -> Refusal:
    return Refusal(denial(principal, table), detail, reasons)


def denial(principal: Principal, table: TableName | None) -> str:
    """Return the contract's sentence; `main` is left out of a name, as users leave it out."""
    if table is None:
        return f"Agent '{principal.agent_id}' is not permitted to run queries"
    name = table.table if table.schema == "main" else str(table)
    return f"Agent '{principal.agent_id}' is not permitted to access table '{name}'"
