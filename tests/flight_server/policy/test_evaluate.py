"""Decisions follow Cedar, fail closed where Cedar would not, and are found in memory the second time."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flight_server.model import Action, BoundFilter, Limits, MaskFunction, Principal, TableName
from flight_server.policy.evaluate import (
    Unbound,
    administers,
    decide,
    filters_for,
    masks_for,
    may_do_anything,
    sees_everything,
    visible_tables,
)
from flight_server.policy.model import RequestContext
from tests.fixtures.policies import (
    CATALOG,
    CUSTOMERS,
    FAR,
    LEDGER,
    MISSING,
    NOON,
    ORDERS,
    SALARIES,
    LoadPolicies,
    principal,
)

EVERYBODY = "permit (principal, action, resource);"


def allowed(
    load: LoadPolicies, access: str, who: Principal | None = None, context: RequestContext = NOON
) -> bool:
    policies = load(access=access)
    return decide(policies, who or principal("analyst"), [(Action.SELECT, CUSTOMERS)], context)[0].allowed


def test_nothing_is_allowed_by_default(load: LoadPolicies) -> None:
    assert not allowed(load, "")


def test_what_a_forbid_spares_is_something_that_may_be_done(load: LoadPolicies) -> None:
    policies = load(
        access=EVERYBODY + 'forbid (principal, action, resource) unless { resource in Schema::"main" };'
    )

    assert may_do_anything(policies, principal("analyst"), NOON)


def test_tables_of_a_remote_engine_are_decided_by_their_full_name_and_their_schema(
    load: LoadPolicies,
) -> None:
    who = principal("analyst")
    named = load(access='permit (principal, action, resource == Table::"far.main.rows");')
    inside = load(access='permit (principal, action, resource in Schema::"far.main");')
    closed = load(access=EVERYBODY + 'forbid (principal, action, resource == Table::"far.main.rows");')

    for policies in (named, inside):
        assert may_do_anything(policies, who, NOON)
        assert decide(policies, who, [(Action.SELECT, FAR)], NOON)[0].allowed
        assert not decide(policies, who, [(Action.SELECT, CUSTOMERS)], NOON)[0].allowed
    assert not sees_everything(closed, who, NOON)
    assert decide(closed, who, [(Action.SELECT, CUSTOMERS)], NOON)[0].allowed


def test_tables_that_are_written_alike_are_decided_one_by_one(load: LoadPolicies) -> None:
    policies = load(access='permit (principal, action, resource in Schema::"far.main");')
    pairs = [(Action.SELECT, TableName("far", "main.rows")), (Action.SELECT, FAR)]

    assert [one.allowed for one in decide(policies, principal("analyst"), pairs, NOON)] == [False, True]


def test_forbid_outweighs_permit(load: LoadPolicies) -> None:
    assert not allowed(load, EVERYBODY + 'forbid (principal, action, resource == Table::"main.customers");')


@pytest.mark.parametrize(
    ("condition", "context"),
    [
        ("context.hour >= 9 && context.hour < 17", dataclasses.replace(NOON, hour=20)),
        ("context.weekday <= 5", dataclasses.replace(NOON, weekday=6)),
        ('context.protocol == "http"', dataclasses.replace(NOON, protocol="mcp")),
        ('context.source_ip.isInRange(ip("10.0.0.0/8"))', dataclasses.replace(NOON, source_ip="192.168.0.1")),
        ('context.source_ip.isInRange(ip("10.0.0.0/8"))', dataclasses.replace(NOON, source_ip="::1")),
    ],
)
def test_the_request_decides(load: LoadPolicies, condition: str, context: RequestContext) -> None:
    access = f"permit (principal, action, resource) when {{ {condition} }};"

    assert allowed(load, access)
    assert not allowed(load, access, context=context)


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        ('principal.department == "sales"', principal("analyst", department="it")),
        ('principal.department == "sales"', principal("analyst")),
        ('principal has department && principal.department == "sales"', principal("analyst")),
        ('principal.framework == "langchain"', principal("analyst", department="sales")),
        ('principal == Agent::"analyst"', principal("analyst", agent="other")),
        ('principal in Role::"analyst"', principal("developer")),
    ],
)
def test_the_principal_decides(load: LoadPolicies, condition: str, other: Principal) -> None:
    access = f"permit (principal, action, resource) when {{ {condition} }};"

    assert allowed(load, access, principal("analyst", framework="langchain", department="sales"))
    assert not allowed(load, access, other)


def test_an_attribute_cannot_pass_for_the_framework(load: LoadPolicies) -> None:
    access = 'permit (principal, action, resource) when { principal.framework == "trusted" };'

    assert not allowed(load, access, dataclasses.replace(principal("a"), attributes={"framework": "trusted"}))


def test_a_permit_that_cannot_be_evaluated_does_not_permit(load: LoadPolicies) -> None:
    policies = load(
        access='@id("sales") permit (principal, action, resource) when { principal.team == "x" };'
    )

    (decision,) = decide(policies, principal("analyst"), [(Action.SELECT, CUSTOMERS)], NOON)

    assert not decision.allowed
    assert decision.broken == ("sales",)


def test_a_forbid_that_cannot_be_evaluated_forbids(load: LoadPolicies) -> None:
    access = EVERYBODY + 'forbid (principal, action, resource) when { principal.team == "x" };'

    assert not allowed(load, access, principal("analyst"))
    assert allowed(load, access, principal("analyst", team="y"))


def test_an_address_that_is_none_denies_when_a_rule_asks_for_it(load: LoadPolicies) -> None:
    odd = dataclasses.replace(NOON, source_ip="unix:")

    assert allowed(load, EVERYBODY, context=odd)
    assert not allowed(
        load,
        EVERYBODY + 'forbid (principal, action, resource) when { context.source_ip == ip("1.1.1.1") };',
        context=odd,
    )


@given(agent=st.text(), role=st.text(min_size=1), attribute=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_text_names_an_agent(load: LoadPolicies, agent: str, role: str, attribute: str) -> None:
    policies = load(access='permit (principal in Role::"x", action, resource) when { principal.a == "y" };')
    who = principal(role, agent=agent, a=attribute)

    (decision,) = decide(policies, who, [(Action.SELECT, CUSTOMERS)], NOON)

    assert decision.allowed == (role == "x" and attribute == "y")


def test_the_second_time_a_decision_is_remembered(load: LoadPolicies) -> None:
    policies = load()
    first = decide(policies, principal("admin"), [(Action.DROP, ORDERS)], NOON)
    known = len(policies.memory.decisions)

    second = decide(policies, principal("admin"), [(Action.DROP, ORDERS)], dataclasses.replace(NOON, hour=3))

    assert first == second
    assert len(policies.memory.decisions) == known


def test_tables_that_no_rule_tells_apart_are_decided_as_one(load: LoadPolicies) -> None:
    policies = load()
    many = [(Action.SELECT, TableName("other", f"t{number}")) for number in range(1000)]

    decisions = decide(policies, principal("admin"), many, NOON)

    assert len(decisions) == 1000
    assert len(policies.memory.decisions) == 1


@pytest.mark.parametrize(
    ("access", "sees"),
    [
        (EVERYBODY, True),
        ('permit (principal, action == Action::"select", resource);', True),
        ('permit (principal, action == Action::"insert", resource);', False),
        ('permit (principal, action, resource in Schema::"main");', False),
        (
            'permit (principal, action, resource) when { resource in [Schema::"main", Schema::"finance"] };',
            False,
        ),
        ('permit (principal, action, resource) unless { resource == Table::"finance.ledger" };', False),
        (EVERYBODY + 'forbid (principal, action, resource == Table::"finance.ledger");', False),
        (EVERYBODY + 'forbid (principal, action, resource in Schema::"finance");', False),
        (EVERYBODY + 'forbid (principal, action == Action::"drop", resource in Schema::"finance");', True),
        (EVERYBODY + 'forbid (principal in Role::"other", action, resource in Schema::"finance");', True),
        (
            EVERYBODY
            + 'forbid (principal, action, resource in Schema::"finance")'
            + 'unless { principal in Role::"analyst" };',
            True,
        ),
        (
            EVERYBODY
            + 'forbid (principal, action, resource in Schema::"finance")'
            + 'unless { resource == Table::"finance.ledger" };',
            False,
        ),
        (EVERYBODY + "forbid (principal, action, resource) when { context.hour == 12 };", False),
        ("", False),
    ],
)
def test_who_sees_everything(load: LoadPolicies, access: str, sees: bool) -> None:
    assert sees_everything(load(access=access), principal("analyst"), NOON) is sees


def test_a_filter_or_a_mask_anywhere_hides_something(load: LoadPolicies) -> None:
    filters = "- {table: orders, filter: total > 0, exempt_roles: [admin]}"
    masks = "- {table: orders, column: total, function: full, roles: [analyst]}"

    assert not sees_everything(load(access=EVERYBODY, filters=filters), principal("analyst"), NOON)
    assert sees_everything(load(access=EVERYBODY, filters=filters), principal("admin"), NOON)
    assert not sees_everything(load(access=EVERYBODY, masks=masks), principal("analyst"), NOON)
    assert sees_everything(load(access=EVERYBODY, masks=masks), principal("admin"), NOON)


def test_who_may_take_every_action_administers(load: LoadPolicies) -> None:
    readers = 'permit (principal, action == Action::"select", resource);'

    assert administers(load(access=EVERYBODY), principal("analyst"), NOON)
    assert not administers(load(access=readers), principal("analyst"), NOON)


@pytest.mark.parametrize(
    ("access", "may"),
    [
        ("", False),
        (EVERYBODY, True),
        ('permit (principal in Role::"other", action, resource);', False),
        ('permit (principal, action == Action::"insert", resource == Table::"finance.ledger");', True),
        ('permit (principal, action, resource in Schema::"finance");', True),
        (EVERYBODY + "forbid (principal, action, resource);", False),
    ],
)
def test_who_may_do_anything(load: LoadPolicies, access: str, may: bool) -> None:
    assert may_do_anything(load(access=access), principal("analyst"), NOON) is may


def test_a_table_is_visible_to_whom_any_action_is_allowed(load: LoadPolicies) -> None:
    policies = load(
        access='permit (principal in Role::"a", action, resource == Table::"main.orders");'
        'permit (principal in Role::"a", action == Action::"select", resource in Schema::"finance");'
    )

    assert visible_tables(principal("a"), policies, CATALOG, NOON) == {ORDERS, LEDGER}
    assert visible_tables(principal("b"), policies, CATALOG, NOON) == frozenset()


TABLES = [CUSTOMERS, ORDERS, SALARIES, LEDGER, MISSING, TableName("finance", "other"), TableName("none", "t")]
SCOPES = st.sampled_from(
    [
        "resource",
        'resource == Table::"main.orders"',
        'resource in Schema::"finance"',
        'resource == Table::"finance.ledger"',
    ]
)
CONDITIONS = st.sampled_from(
    [
        "",
        'when { principal in Role::"a" }',
        'unless { resource in Schema::"main" }',
        'when { principal.x == "1" }',
    ]
)
RULES = st.builds(
    lambda effect, who, action, scope, condition: f"{effect} ({who}, {action}, {scope}) {condition};",
    st.sampled_from(["permit", "permit", "forbid"]),
    st.sampled_from(["principal", 'principal in Role::"a"', 'principal in Role::"b"']),
    st.sampled_from(["action", 'action == Action::"select"']),
    SCOPES,
    CONDITIONS,
)


@given(
    rules=st.lists(RULES, max_size=5),
    roles=st.sets(st.sampled_from(["a", "b"])),
    x=st.sampled_from(["1", "2"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_who_sees_everything_may_select_from_any_table(
    load: LoadPolicies, rules: list[str], roles: set[str], x: str
) -> None:
    policies = load(access="\n".join(rules))
    who = principal(*sorted(roles), x=x)
    pairs = [(action, table) for table in TABLES for action in Action]
    decisions = dict(zip(pairs, decide(policies, who, pairs, NOON), strict=True))
    readable = [decisions[Action.SELECT, table].allowed for table in TABLES]

    assert not sees_everything(policies, who, NOON) or all(readable)
    assert not administers(policies, who, NOON) or all(one.allowed for one in decisions.values())
    assert may_do_anything(policies, who, NOON) or not any(one.allowed for one in decisions.values())


def test_a_filter_is_bound_to_the_values_of_the_principal(load: LoadPolicies) -> None:
    policies = load(
        filters="- table: orders\n"
        "  filter: a = {region} AND b = {agent_id} AND c = {role} AND d = {framework}"
    )

    bound = filters_for(policies, principal("analyst", region="E'U", agent="bot"), ORDERS)

    assert bound == (
        BoundFilter(
            "a = $region AND b = $agent_id AND c = $role AND d = $framework",
            (("region", "E'U"), ("agent_id", "bot"), ("role", "analyst"), ("framework", "custom")),
            "row_filters.yaml:1",
        ),
    )


@pytest.mark.parametrize("who", [principal("a"), principal("a", region=""), principal("a", "b", region="x")])
def test_a_filter_without_its_value_cannot_be_bound(load: LoadPolicies, who: Principal) -> None:
    policies = load(filters="- {table: orders, filter: 'a = {region} AND b = {role}'}")

    with pytest.raises(Unbound):
        filters_for(policies, who, ORDERS)


@pytest.mark.parametrize(
    ("audience", "roles", "bites"),
    [
        ("", {"a"}, True),
        ("", set(), True),
        (", roles: [a]", {"a", "b"}, True),
        (", roles: [a]", {"b"}, False),
        (", exempt_roles: [a]", {"a", "b"}, False),
        (", exempt_roles: [a]", {"b"}, True),
        (", roles: [a], exempt_roles: [b]", {"a", "b"}, False),
    ],
)
def test_whom_a_rule_bites(load: LoadPolicies, audience: str, roles: set[str], bites: bool) -> None:
    policies = load(
        filters=f"- {{table: orders, filter: total > 0{audience}}}",
        masks=f"- {{table: orders, column: total, function: full{audience}}}",
    )
    who = principal(*roles)

    assert bool(filters_for(policies, who, ORDERS)) is bites
    assert bool(masks_for(policies, who, ORDERS)) is bites


def test_of_two_masks_the_stricter_bites(load: LoadPolicies) -> None:
    policies = load(
        masks="- {table: orders, column: total, function: partial, roles: [a]}\n"
        "- {table: orders, column: total, function: 'null', roles: [b]}"
    )

    masks = masks_for(policies, principal("a", "b"), ORDERS)

    assert masks["total"].mask.function is MaskFunction.NULL


@pytest.mark.parametrize(
    ("roles", "limits"),
    [
        ({"a"}, Limits(max_rows=10, burst=5)),
        ({"a", "b"}, Limits(max_rows=20, burst=5, credits_per_month=1.5)),
        ({"a", "free"}, Limits(max_rows=None, burst=5)),
        ({"unknown"}, Limits()),
    ],
)
def test_of_several_limits_the_most_generous_holds(
    load: LoadPolicies, roles: set[str], limits: Limits
) -> None:
    policies = load(
        limits="a: {max_rows: 10, burst: 5}\n"
        "b: {max_rows: 20, credits_per_month: 1.5}\n"
        "free: {max_rows: null}"
    )

    assert policies.limits_of(frozenset(roles)) == limits
