"""An explanation names the rules that the step `authorise` followed."""

from __future__ import annotations

from flight_server.model import Action
from flight_server.policy.explain import Explanation, explain, lines
from tests.fixtures.policies import (
    CATALOG,
    CUSTOMERS,
    MISSING,
    NOON,
    ORDERS,
    SALARIES,
    LoadPolicies,
    principal,
)

FILTERS = "- {table: customers, filter: \"region = '{region}'\", exempt_roles: [admin]}"
MASKS = (
    "- {table: customers, column: email, function: partial, exempt_roles: [admin]}\n"
    "- {table: customers, column: ssn, function: hash, key: pepper, exempt_roles: [admin]}"
)


def text_of(explanation: Explanation) -> str:
    return "\n".join(lines(explanation))


def test_names_the_rule_that_allowed_and_what_bites(load: LoadPolicies) -> None:
    policies = load(filters=FILTERS, masks=MASKS)

    found = explain(principal("analyst", region="E'U"), [(Action.SELECT, CUSTOMERS)], policies, CATALOG, NOON)

    assert found.allowed
    assert text_of(found).splitlines() == [
        "allowed",
        "select on main.customers: allowed",
        "  permit readers (access.cedar:2)",
        "rows of main.customers: region = 'E''U' (row_filters.yaml:1)",
        "column main.customers.email: partial, the last 4 characters are visible (masks.yaml:1)",
        "column main.customers.ssn: hash, HMAC-SHA-256 (masks.yaml:2)",
    ]


def test_names_the_rule_that_forbade(load: LoadPolicies) -> None:
    access = (
        "permit (principal, action, resource);\n"
        '@id("closed") forbid (principal, action, resource == Table::"main.salary_data");'
    )

    found = explain(principal("x"), [(Action.SELECT, SALARIES)], load(access=access), CATALOG, NOON)

    assert not found.allowed
    assert found.actions[0].rules == ("forbid closed (access.cedar:2)",)


def test_a_rule_without_a_name_is_named_by_its_line(load: LoadPolicies) -> None:
    found = explain(
        principal("x"),
        [(Action.SELECT, ORDERS)],
        load(access="\npermit (principal, action, resource);"),
        CATALOG,
        NOON,
    )

    assert found.actions[0].rules == ("permit access.cedar:2 (access.cedar:2)",)


def test_goes_on_after_the_first_refusal(load: LoadPolicies) -> None:
    accesses = [(Action.SELECT, SALARIES), (Action.SELECT, ORDERS), (Action.SELECT, MISSING)]

    text = text_of(explain(principal("analyst"), accesses, load(), CATALOG, NOON))

    assert text.startswith("refused: Agent 'analyst' is not permitted to access table 'salary_data'")
    assert "select on main.orders: allowed" in text
    assert "no rule of access.cedar permits it" in text
    assert "the table does not exist" in text


def test_says_which_attribute_a_filter_lacks(load: LoadPolicies) -> None:
    found = explain(principal("analyst"), [(Action.SELECT, CUSTOMERS)], load(filters=FILTERS), CATALOG, NOON)

    assert not found.allowed
    assert "the principal has no attribute 'region'" in text_of(found)


def test_says_which_rule_could_not_be_evaluated(load: LoadPolicies) -> None:
    access = '@id("sales") permit (principal, action, resource) when { principal.team == "sales" };'

    text = text_of(explain(principal("x"), [(Action.SELECT, ORDERS)], load(access=access), CATALOG, NOON))

    assert "not evaluable, because an attribute is missing: sales" in text


def test_says_who_sees_everything(load: LoadPolicies) -> None:
    found = explain(principal("admin"), [(Action.SELECT, ORDERS)], load(), CATALOG, NOON)

    assert text_of(found).endswith("this principal sees every table, every row and every value")
