"""Loads access.cedar: parses it once, and checks it against the contract's schema.

The attributes of a principal are whatever its key was given, so the schema is
made from the attributes that the policies themselves mention, all texts.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import cedarpy
from cedarpy import pst

from flight_server.model import Action
from flight_server.policy.cedar_text import Statement, statements
from flight_server.policy.faults import PolicyFault
from flight_server.policy.model import AccessRule, AccessRules
from flight_server.policy.rules import Catalog, closest

ACCESS = "access.cedar"
CONTEXT_TYPES: Mapping[str, Mapping[str, str]] = {
    "hour": {"type": "Long"},
    "weekday": {"type": "Long"},
    "protocol": {"type": "String"},
    "source_ip": {"type": "Extension", "name": "ipaddr"},
}

_CONSEQUENCE = "unable to find an applicable action"
_NOISE = re.compile(r"^for policy `[^`]+`, | for Action::\"[a-z]+\"")


def load_access(text: str, catalog: Catalog, faults: list[PolicyFault]) -> AccessRules | None:
    """Return the rules of *text*, or None when it does not parse; every fault is noted."""
    written = tuple(statements(text))
    problems = [fault for one in written for fault in _syntax_faults(one)]
    faults.extend(problems)
    if problems:
        return None
    tree = cedarpy.PolicySet.from_str(text).to_pst()
    policies = dict(tree.static_policies)
    if len(policies) != len(written):
        faults.append(PolicyFault(ACCESS, 1, "the statements of this file cannot be told apart"))
        return None
    rules = {f"policy{at}": _rule(policies[f"policy{at}"], one) for at, one in enumerate(written)}
    for at, one in enumerate(written):
        faults.extend(_unknown_names(policies[f"policy{at}"], one, catalog))
    faults.extend(_schema_faults(text, tree, written))
    return AccessRules(
        policies=policies,
        rules=rules,
        tables=frozenset().union(*(rule.tables for rule in rules.values())),
        schemas=frozenset().union(*(rule.schemas for rule in rules.values())),
        context=_context_of(tree),
    )


def _syntax_faults(statement: Statement) -> Iterator[PolicyFault]:
    try:
        parsed = cedarpy.PolicySet.from_str(statement.text).to_pst()
    except ValueError as error:
        yield _syntax_fault(statement, str(error))
        return
    if parsed.templates:
        yield PolicyFault(ACCESS, statement.line, "a template (?principal) grants nothing; name the role")


def _syntax_fault(statement: Statement, complaint: str) -> PolicyFault:
    merged = statement.second_line
    if merged is not None:
        return PolicyFault(ACCESS, merged, f"Cedar: {complaint}; is a semicolon missing before this line?")
    return PolicyFault(ACCESS, statement.line_of(complaint), f"Cedar: {complaint}")


def _rule(policy: pst.Template, statement: Statement) -> AccessRule:
    uids = pst.entity_uids(policy)
    tables = frozenset(uid.id for uid in uids if str(uid.type) == "Table")
    schemas = frozenset(uid.id for uid in uids if str(uid.type) == "Schema")
    return AccessRule(
        policy_id=policy.id,
        label=policy.annotations.get("id") or f"{ACCESS}:{statement.line}",
        line=statement.line,
        effect=policy.effect,
        role=_role_of(policy.principal),
        names_resources=bool(tables or schemas),
        tables=tables,
        schemas=schemas,
    )


def _role_of(scope: pst.PrincipalOrResourceConstraint) -> str | None:
    if isinstance(scope, pst.ScopeIn | pst.ScopeIsIn) and isinstance(scope.entity, pst.EntityUid):
        return scope.entity.id if str(scope.entity.type) == "Role" else None
    return None


def _unknown_names(policy: pst.Template, statement: Statement, catalog: Catalog) -> Iterator[PolicyFault]:
    known = {
        "Table": {str(table) for table in catalog},
        "Schema": {table.schema for table in catalog} | {"main"},
    }
    for uid in sorted(pst.entity_uids(policy), key=str):
        kind = str(uid.type)
        if kind in known and uid.id not in known[kind]:
            hint = closest(uid.id, tuple(known[kind]))
            where = statement.line_of(f"`{json.dumps(uid.id, ensure_ascii=False)}`")
            yield PolicyFault(ACCESS, where, f"{kind.lower()} '{uid.id}' does not exist{hint}")


def _schema_faults(text: str, tree: pst.PolicySet, written: tuple[Statement, ...]) -> Iterator[PolicyFault]:
    """Yield what Cedar's validator finds.

    An attribute that a policy reads without asking `has` first is accepted: for
    a principal without it the policy cannot be evaluated, which never allows.
    """
    attributes = _attributes_of("principal", tree) - {"framework"}
    cautious = cedarpy.validate_policies(text, _schema(attributes, required=False))
    if cautious.validation_passed:
        return
    errors = cedarpy.validate_policies(text, _schema(attributes, required=True)).errors
    better = {error.policy_id for error in errors if _CONSEQUENCE not in error.error}
    for error in errors:
        if _CONSEQUENCE in error.error and error.policy_id in better:
            continue
        message = _NOISE.sub("", _NOISE.sub("", error.error))
        at = int(error.policy_id.removeprefix("policy") or 0)
        yield PolicyFault(ACCESS, written[at].line_of(message), f"Cedar: {message}")


def _schema(attributes: Iterable[str], *, required: bool) -> str:
    """Return the contract as a Cedar schema, with the principal's *attributes* as texts."""
    shape: dict[str, Any] = {name: {"type": "String", "required": required} for name in attributes}
    shape["framework"] = {"type": "String", "required": True}
    applies = {
        "principalTypes": ["Agent"],
        "resourceTypes": ["Table"],
        "context": {"type": "Record", "attributes": CONTEXT_TYPES},
    }
    entities = {
        "Agent": {"memberOfTypes": ["Role"], "shape": {"type": "Record", "attributes": shape}},
        "Role": {},
        "Schema": {},
        "Table": {"memberOfTypes": ["Schema"]},
    }
    actions = {str(action): {"appliesTo": applies} for action in Action}
    return json.dumps({"": {"entityTypes": entities, "actions": actions}})


def _attributes_of(variable: Literal["principal", "context"], tree: object) -> frozenset[str]:
    """Return the attributes of *variable* that *tree* reads, wherever they stand."""
    var = pst.Var(name=variable)
    nodes = list(_nodes(tree))
    read = [node.attr for node in nodes if isinstance(node, pst.GetAttr) and node.base == var]
    asked = [node.attrs[0] for node in nodes if isinstance(node, pst.HasAttr) and node.base == var]
    return frozenset(read + asked)


def _context_of(tree: pst.PolicySet) -> frozenset[str]:
    """Return the context attributes that decide: those read, or all when the context is used as a whole."""
    var = pst.Var(name="context")
    nodes = list(_nodes(tree))
    uses = sum(node == var for node in nodes)
    accesses = sum(isinstance(node, pst.GetAttr | pst.HasAttr) and node.base == var for node in nodes)
    return _attributes_of("context", tree) if uses == accesses else frozenset(CONTEXT_TYPES)


def _nodes(node: object) -> Iterator[object]:
    """Yield every node of the tree under *node*."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if isinstance(current, Mapping):
            stack.extend(current.values())
        elif isinstance(current, tuple):
            stack.extend(current)
        elif dataclasses.is_dataclass(current):
            stack.extend(getattr(current, field.name) for field in dataclasses.fields(current))
