"""The step grants what the policies allow, and refuses in words that tell nothing else."""

from __future__ import annotations

import dataclasses
import time

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action, Mask, MaskFunction, Principal, TableName
from flight_server.steps.authorise import authorise
from tests.fixtures.policies import (
    CATALOG,
    CUSTOMERS,
    LEDGER,
    MISSING,
    NOON,
    ORDERS,
    SALARIES,
    LoadPolicies,
    principal,
)

FILTERS = "- {table: customers, filter: 'region = {region}', exempt_roles: [admin]}"
MASKS = "- {table: customers, column: email, function: partial, exempt_roles: [admin]}"


def refusal(
    load: LoadPolicies, who: Principal, *accesses: tuple[Action, TableName], **texts: str
) -> QueryRefused:
    with pytest.raises(QueryRefused) as refused:
        authorise(who, accesses, load(**texts), CATALOG, NOON)
    return refused.value


def test_refuses_in_the_words_of_the_contract(load: LoadPolicies) -> None:
    refused = refusal(load, principal("analyst"), (Action.SELECT, SALARIES))

    assert refused.code is ErrorCode.POLICY_DENIED
    assert refused.message == "Agent 'analyst' is not permitted to access table 'salary_data'"


def test_names_the_schema_unless_it_is_main(load: LoadPolicies) -> None:
    refused = refusal(load, principal("analyst"), (Action.SELECT, LEDGER))

    assert refused.message == "Agent 'analyst' is not permitted to access table 'finance.ledger'"


def test_a_missing_table_is_refused_like_a_closed_one(load: LoadPolicies) -> None:
    access = 'permit (principal, action == Action::"select", resource in Schema::"main");'
    missing = refusal(load, principal("analyst"), (Action.SELECT, MISSING), access=access)
    closed = refusal(load, principal("analyst"), (Action.SELECT, LEDGER), access=access)

    assert missing.code is closed.code
    assert missing.message.replace("nowhere", "finance.ledger") == closed.message


def test_who_sees_everything_gets_past_with_a_missing_table(load: LoadPolicies) -> None:
    grant = authorise(principal("admin"), [(Action.SELECT, MISSING)], load(), CATALOG, NOON)

    assert grant.sees_everything
    assert grant.administers


def test_a_table_that_is_created_need_not_exist(load: LoadPolicies) -> None:
    access = 'permit (principal, action == Action::"create", resource in Schema::"main");'

    grant = authorise(principal("x"), [(Action.CREATE, MISSING)], load(access=access), CATALOG, NOON)

    assert MISSING in grant.tables


def test_every_access_must_be_allowed(load: LoadPolicies) -> None:
    refused = refusal(load, principal("analyst"), (Action.SELECT, CUSTOMERS), (Action.UPDATE, CUSTOMERS))

    assert "'customers'" in refused.message


def test_grants_the_filters_and_masks_of_each_table(load: LoadPolicies) -> None:
    policies = load(filters=FILTERS, masks=MASKS, limits="analyst: {max_rows: 7}")
    who = principal("analyst", region="EU")

    grant = authorise(who, [(Action.SELECT, CUSTOMERS), (Action.SELECT, ORDERS)], policies, CATALOG, NOON)

    assert grant.principal is who
    assert grant.restricted
    assert grant.tables[CUSTOMERS].masks == (("email", Mask(MaskFunction.PARTIAL)),)
    assert grant.tables[CUSTOMERS].filters[0].values == (("region", "EU"),)
    assert not grant.tables[ORDERS].restricted
    assert grant.reasons == ("readers",)
    assert grant.policy_version == policies.version
    assert grant.limits.max_rows == 7
    assert not grant.sees_everything


def test_a_missing_attribute_refuses_without_naming_it(load: LoadPolicies) -> None:
    refused = refusal(load, principal("analyst", team="x"), (Action.SELECT, CUSTOMERS), filters=FILTERS)

    assert refused.message == "Agent 'analyst' is not permitted to access table 'customers'"
    assert "'region'" in refused.detail


def test_a_query_without_tables_is_for_those_who_may_do_anything(load: LoadPolicies) -> None:
    assert authorise(principal("analyst"), [], load(), CATALOG, NOON).tables == {}
    assert refusal(load, principal("auditor")).code is ErrorCode.POLICY_DENIED


def test_a_principal_never_gets_the_grant_of_another(load: LoadPolicies) -> None:
    policies = load(filters=FILTERS)
    select = [(Action.SELECT, CUSTOMERS)]
    values = set()
    for region in ("EU", "US"):
        for prefix in ("hd_live_aaaa", "hd_live_bbbb"):
            who = dataclasses.replace(principal("analyst", region=region), key_prefix=prefix)
            grant = authorise(who, select, policies, CATALOG, NOON)
            values.add((grant.principal.key_prefix, grant.tables[CUSTOMERS].filters[0].values))

    assert len(values) == 4


def test_a_grant_does_not_outlive_the_context_it_was_given_in(load: LoadPolicies) -> None:
    policies = load(access="permit (principal, action, resource) when { context.hour == 12 };")
    authorise(principal("a"), [(Action.SELECT, ORDERS)], policies, CATALOG, NOON)

    with pytest.raises(QueryRefused):
        authorise(
            principal("a"), [(Action.SELECT, ORDERS)], policies, CATALOG, dataclasses.replace(NOON, hour=13)
        )


def test_a_table_that_appears_is_granted_then(load: LoadPolicies) -> None:
    policies = load(access='permit (principal, action == Action::"select", resource in Schema::"main");')
    with pytest.raises(QueryRefused):
        authorise(principal("a"), [(Action.SELECT, MISSING)], policies, CATALOG, NOON)

    grant = authorise(principal("a"), [(Action.SELECT, MISSING)], policies, {*CATALOG, MISSING}, NOON)

    assert MISSING in grant.tables


def test_a_large_set_of_policies_decides_in_time(load: LoadPolicies) -> None:
    rules = [
        f'permit (principal in Role::"r{number % 20}", action, resource)when {{ principal.x == "{number}" }};'
        for number in range(200)
    ]
    policies = load(access="\n".join(rules))
    tables = [TableName("main", f"t{number}") for number in range(1000)]
    who = principal("r3", x="3")
    authorise(principal("r4", x="4"), [(Action.SELECT, tables[1])], policies, tables, NOON)
    start = time.perf_counter()
    authorise(who, [(Action.SELECT, tables[0])], policies, frozenset(tables), NOON)
    first = time.perf_counter() - start
    start = time.perf_counter()
    authorise(who, [(Action.SELECT, tables[0])], policies, frozenset(tables), NOON)
    second = time.perf_counter() - start

    assert first < 0.05  # 10 ms is the goal; the rest is for a busy machine
    assert second < 0.005
