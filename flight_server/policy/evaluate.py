"""Decides: which actions, which rows, which masks. Pure, but for what it remembers.

To the access rules two tables differ only when a rule names one of them or its
schema. Every other table of a schema is decided as one, so a catalog of a
thousand tables costs no more decisions than the rules name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Hashable, Iterable, Iterator
from ipaddress import ip_address
from itertools import islice
from typing import Any

import cedarpy
from cedarpy import pst

from flight_server.model import Action, BoundFilter, MaskFunction, Principal, TableName
from flight_server.policy.model import (
    BUILT_IN_PLACEHOLDERS,
    AccessRules,
    Decision,
    FilterRule,
    MaskRule,
    Policies,
    RequestContext,
)

_ANY = "\0"  # no table and no schema can be named so
_CHUNK = 16
_BROKEN = re.compile(r"policy `(policy\d+)`")
_STRICTNESS = (MaskFunction.NULL, MaskFunction.FULL, MaskFunction.HASH, MaskFunction.PARTIAL)


class Unbound(ValueError):
    """A row filter needs a value that the principal does not have; the message names it."""

    def __init__(self, rule: FilterRule, message: str) -> None:
        self.table = rule.table
        super().__init__(f"{rule.source}: {message}")


def relevant_context(access: AccessRules, context: RequestContext) -> tuple[object, ...]:
    """Return the part of *context* that the rules look at, hashable; the rest decides nothing."""
    return tuple(getattr(context, name) for name in sorted(access.context))


def decide(
    policies: Policies,
    principal: Principal,
    pairs: Iterable[tuple[Action, TableName]],
    context: RequestContext,
) -> list[Decision]:
    """Return Cedar's decision on each of *pairs*, in order, from memory where it is known."""
    access, memory = policies.access, policies.memory.decisions
    alike = [(action, _representative(access, table)) for action, table in pairs]
    who: Hashable = (principal.fingerprint(), relevant_context(access, context))
    decided: dict[tuple[Action, TableName], Decision] = {}
    missing: list[tuple[Action, TableName]] = []
    for pair in dict.fromkeys(alike):
        decision = memory.get((who, pair))
        if decision is None:
            missing.append(pair)
        else:
            decided[pair] = decision
    for pair, decision in zip(missing, _evaluate(policies, principal, missing, context), strict=True):
        memory.put((who, pair), decision)
        decided[pair] = decision
    return [decided[pair] for pair in alike]


def _representative(access: AccessRules, table: TableName) -> TableName:
    """Return the table that stands for all that the rules cannot tell from *table*."""
    if str(table) in access.tables:
        return table
    return TableName(table.schema if table.schema in access.schemas else _ANY, _ANY)


def _evaluate(
    policies: Policies, principal: Principal, pairs: list[tuple[Action, TableName]], context: RequestContext
) -> list[Decision]:
    """Return Cedar's decision on each of *pairs*; tables that are written alike are asked about apart."""
    if not pairs:
        return []
    first = {str(table): table for _, table in reversed(pairs)}
    now = [pair for pair in pairs if first[str(pair[1])] == pair[1]]
    later = [pair for pair in pairs if first[str(pair[1])] != pair[1]]
    decided = dict(zip(now, _evaluate_distinct(policies, principal, now, context), strict=True))
    decided |= dict(zip(later, _evaluate(policies, principal, later, context), strict=True))
    return [decided[pair] for pair in pairs]


def _evaluate_distinct(
    policies: Policies, principal: Principal, pairs: list[tuple[Action, TableName]], context: RequestContext
) -> list[Decision]:
    access = policies.access
    try:
        told = json.dumps(_context(access, context))
        entities = cedarpy.Entities.from_json_str(json.dumps(_entities(principal, pairs)))
    except ValueError as error:  # an address or a name that is none
        return [Decision(allowed=False, broken=(str(error),)) for _ in pairs]
    requests = [
        {
            "principal": _uid("Agent", principal.agent_id),
            "action": _uid("Action", action),
            "resource": _uid("Table", str(table)),
            "context": told,
        }
        for action, table in pairs
    ]
    results = cedarpy.is_authorized_batch(requests, _slice(policies, principal.roles), entities)
    return [_decision(access, result) for result in results]


def _slice(policies: Policies, roles: frozenset[str]) -> cedarpy.PolicySet:
    """Return the rules without those whose scope names a role that is not among *roles*.

    Cedar looks at every rule for every decision; most rules are about other roles.
    """
    access, slices = policies.access, policies.memory.slices
    concerned = frozenset(one for one, rule in access.rules.items() if rule.may_concern(roles))
    known = slices.get(concerned)
    if known is None:
        chosen = {one: access.policies[one] for one in access.rules if one in concerned}
        known = cedarpy.PolicySet.from_pst(
            pst.PolicySet(templates={}, static_policies=chosen, template_links=())
        )
        slices.put(concerned, known)
    return known


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _entities(principal: Principal, pairs: list[tuple[Action, TableName]]) -> list[dict[str, Any]]:
    agent = {
        "uid": _uid("Agent", principal.agent_id),
        "attrs": {**principal.attributes, "framework": principal.framework},
        "parents": [_uid("Role", role) for role in sorted(principal.roles)],
    }
    tables = [
        {"uid": _uid("Table", str(table)), "attrs": {}, "parents": [_uid("Schema", table.schema)]}
        for table in sorted({table for _, table in pairs})
    ]
    return [agent, *tables]


def _context(access: AccessRules, context: RequestContext) -> dict[str, Any]:
    """Return what the rules ask for, in Cedar's JSON.

    Raises:
        ValueError: A rule asks for the source address, and it is not an address.
    """
    told: dict[str, Any] = {name: getattr(context, name) for name in access.context - {"source_ip"}}
    if "source_ip" in access.context:
        address = str(ip_address(context.source_ip.partition("%")[0]))
        told["source_ip"] = {"__extn": {"fn": "ip", "arg": address}}
    return told


def _decision(access: AccessRules, result: cedarpy.AuthzResult) -> Decision:
    """Return *result* with labels; a forbid that cannot be evaluated forbids.

    Cedar itself skips a rule that fails, which for a forbid would be an opening.
    """
    broken_ids = [found[1] if (found := _BROKEN.search(error)) else "" for error in result.diagnostics.errors]
    failed_open = any(not _permits(access, policy_id) for policy_id in broken_ids)
    reasons = sorted(result.diagnostics.reasons, key=lambda policy_id: access.rules[policy_id].line)
    allowed = result.allowed and not failed_open
    return Decision(
        allowed=allowed,
        reasons=tuple(access.rules[policy_id].label for policy_id in reasons),
        policy_ids=tuple(reasons),
        broken=tuple(access.rules[one].label if one in access.rules else "?" for one in broken_ids),
        general=allowed and any(not access.rules[policy_id].names_resources for policy_id in reasons),
    )


def _permits(access: AccessRules, policy_id: str) -> bool:
    rule = access.rules.get(policy_id)
    return rule is not None and rule.effect == "permit"


def sees_everything(policies: Policies, principal: Principal, context: RequestContext) -> bool:
    """Whether the principal may select from every table, existing or not, unfiltered and unmasked."""
    return _everywhere(policies, principal, (Action.SELECT,), context)


def administers(policies: Policies, principal: Principal, context: RequestContext) -> bool:
    """Whether the principal sees everything and may take every action on every table."""
    return _everywhere(policies, principal, tuple(Action), context)


def _everywhere(
    policies: Policies, principal: Principal, actions: tuple[Action, ...], context: RequestContext
) -> bool:
    key = (actions, principal.fingerprint(), relevant_context(policies.access, context))
    known = policies.memory.wide.get(key)
    if known is None:
        known = _unrestricted(policies, principal.roles) and _allows_all(
            policies, principal, actions, context
        )
        policies.memory.wide.put(key, known)
    return known


def _unrestricted(policies: Policies, roles: frozenset[str]) -> bool:
    filters = [rule.audience for rules in policies.filters.values() for rule in rules]
    masks = [rule.audience for rules in policies.masks.values() for rule in rules]
    return not any(audience.includes(roles) for audience in (*filters, *masks))


def _allows_all(
    policies: Policies, principal: Principal, actions: tuple[Action, ...], context: RequestContext
) -> bool:
    """Whether *actions* are allowed on every table there is or could be.

    So it is when a permit that names no table or schema, and hence holds for all,
    allows them, and no forbid bites on any table that a forbid can tell apart.
    """
    probe = TableName(_ANY, _ANY)
    if not all(
        d.general for d in decide(policies, principal, [(action, probe) for action in actions], context)
    ):
        return False
    tables = _named(policies.access, principal, "forbid")
    pairs = ((action, table) for table in tables for action in actions)
    return all(decision.allowed for decision in _in_chunks(policies, principal, pairs, context))


def may_do_anything(policies: Policies, principal: Principal, context: RequestContext) -> bool:
    """Whether any action on any table is allowed, so that `SELECT 1` is, too."""
    key = ("any", principal.fingerprint(), relevant_context(policies.access, context))
    known = policies.memory.wide.get(key)
    if known is None:
        named = [*_named(policies.access, principal, "permit"), *_named(policies.access, principal, "forbid")]
        tables = (TableName(_ANY, _ANY), *named)
        pairs = ((action, table) for table in tables for action in Action)
        known = any(one.allowed for one in _in_chunks(policies, principal, pairs, context))
        policies.memory.wide.put(key, known)
    return known


def _named(access: AccessRules, principal: Principal, effect: str) -> list[TableName]:
    """Return one table for each distinction that the rules of *effect* make, for this principal."""
    rules = [r for r in access.rules.values() if r.effect == effect and r.may_concern(principal.roles)]
    tables = {name for rule in rules for name in rule.tables}
    schemas = {name for rule in rules for name in rule.schemas}
    inside = {name for name in access.tables if any(one.schema in schemas for one in _readings(name))}
    named = [one for name in sorted(tables | inside) for one in _readings(name)]
    return [*named, *(TableName(schema, _ANY) for schema in sorted(schemas))]


def _readings(name: str) -> set[TableName]:
    """Return what `schema.table` may stand for; a remote schema has a dot itself, and so may a table."""
    return {TableName(*name.split(".", 1)), TableName(*name.rsplit(".", 1))}


def _in_chunks(
    policies: Policies,
    principal: Principal,
    pairs: Iterable[tuple[Action, TableName]],
    context: RequestContext,
) -> Iterator[Decision]:
    """Yield decisions a few at a time, so that a caller who has seen enough pays for no more."""
    rest = iter(pairs)
    while chunk := list(islice(rest, _CHUNK)):
        yield from decide(policies, principal, chunk, context)


def visible_tables(
    principal: Principal, policies: Policies, tables: Collection[TableName], context: RequestContext
) -> frozenset[TableName]:
    """Return those of *tables* that exist for the principal: it may do something to them."""
    alike: dict[TableName, list[TableName]] = {}
    for table in tables:
        alike.setdefault(_representative(policies.access, table), []).append(table)
    visible: set[TableName] = set()
    for action in Action:
        hidden = [one for one in alike if one not in visible]
        decisions = decide(policies, principal, [(action, one) for one in hidden], context)
        visible.update(one for one, decision in zip(hidden, decisions, strict=True) if decision.allowed)
    return frozenset(table for one in visible for table in alike[one])


def filters_for(policies: Policies, principal: Principal, table: TableName) -> tuple[BoundFilter, ...]:
    """Return the row filters of *table* that bite the principal, bound to its values.

    Raises:
        Unbound: A filter needs an attribute that the principal does not have.
    """
    rules = policies.filters.get(table, ())
    return tuple(_bound(rule, principal) for rule in rules if rule.audience.includes(principal.roles))


def _bound(rule: FilterRule, principal: Principal) -> BoundFilter:
    values = tuple((name, _value(name, principal, rule)) for name in rule.placeholders)
    return BoundFilter(rule.predicate, values, rule.source)


def _value(name: str, principal: Principal, rule: FilterRule) -> str:
    if name == "role" and len(principal.roles) != 1:
        raise Unbound(rule, "{role} needs a principal with exactly one role")
    built_in = {
        "agent_id": principal.agent_id,
        "framework": principal.framework,
        "role": next(iter(principal.roles), ""),
    }
    value = built_in[name] if name in BUILT_IN_PLACEHOLDERS else principal.attributes.get(name, "")
    if not value:
        raise Unbound(rule, f"the principal has no attribute '{name}'")
    return value


def masks_for(policies: Policies, principal: Principal, table: TableName) -> dict[str, MaskRule]:
    """Return the masks of *table* that bite the principal, by column; of several the strictest."""
    chosen: dict[str, MaskRule] = {}
    for rule in policies.masks.get(table, ()):
        if rule.audience.includes(principal.roles):
            chosen[rule.column] = min(chosen.get(rule.column, rule), rule, key=_leniency)
    return dict(sorted(chosen.items()))


def _leniency(rule: MaskRule) -> tuple[int, int]:
    return _STRICTNESS.index(rule.mask.function), rule.mask.visible_chars
