"""Every fault of a policy file is found, all at once, with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flight_server.model import Mask, MaskFunction
from flight_server.policy.faults import PolicyFaults
from flight_server.policy.load import load_policies
from tests.fixtures.policies import ACCESS, CATALOG, CUSTOMERS, ORDERS, LoadPolicies

ACCESS_FAULTS = [
    ("\npermit (principal, action, resource", 2, "unexpected end of input"),
    ("permit (principal, action, resource)\npermit (principal, action, resource);", 2, "unexpected token"),
    ('permit (principal, action,\n resource) when {\n "x };', 1, "invalid token"),
    ('permit (principal in Rol::"x", action, resource);', 1, "unrecognized entity type `Rol`"),
    ('permit (principal,\n action == Action::"selct", resource);', 2, "unrecognized action"),
    (
        "permit (principal, action, resource)\nwhen { context.hou > 3 };",
        2,
        "attribute `hou` in context not found",
    ),
    ('permit (principal, action, resource) when { context.hour == "x" };', 1, "Long"),
    ("permit (principal, action, resource) when { principal.framework > 3 };", 1, "String"),
    (
        '// ;\n\nforbid (principal, action, resource == Table::"main.custmers");',
        3,
        "did you mean 'main.customers'",
    ),
    ('forbid (principal, action, resource in Schema::"fin");', 1, "schema 'fin' does not exist"),
    ("permit (principal == ?principal, action, resource);", 1, "template"),
]
FILTER_FAULTS = [
    ("- {table: customers\n  filter: x}", 2, "YAML"),
    ("- table: customers\n  filtr: x\n  filter: y", 2, "unknown field 'filtr'"),
    ("- table: customers\n", 1, "field 'filter' is missing"),
    ("- table: custmers\n  filter: x", 1, "did you mean 'main.customers'"),
    ("- table: customers\n  filter: region = '{{region}}'", 2, "placeholder"),
    ("- table: customers\n  filter: region = $region", 2, "parameter"),
    ("- table: customers\n  filter: region = '{a}-{b}'", 2, "placeholder inside a longer text"),
    ("- table: customers\n  filter: region = {}", 2, "brace"),
    ("- table: customers\n  filter: x\n  roles: admin", 3, "list of names"),
    ("- table: customers\n  filter: x\n  roles: []", 3, "names no role"),
    ("- customers", 1, "a mapping of fields"),
    ("table: customers", 1, "list of rules"),
    ("- table: customers\n  table: orders\n  filter: x", 2, "given twice"),
]
MASK_FAULTS = [
    ("- {table: customers, column: emial, function: full}", 1, "did you mean 'email'"),
    ("- {table: a.b.c, column: x, function: full}", 1, "does not exist"),
    ("- table: customers\n  column: email\n  function: fulll", 3, "unknown function 'fulll'"),
    ("- {table: customers, column: email}", 1, "field 'function' is missing"),
    (
        "- {table: customers, column: email, function: full, visible_chars: 2}",
        1,
        "belongs to the function 'partial'",
    ),
    ("- {table: customers, column: email, function: partial, visible_chars: -2}", 1, "zero or more"),
    ("- {table: customers, column: email, function: partial, visible_chars: 2.5}", 1, "whole number"),
    ("- {table: customers, column: email, function: partial, visible_chars: true}", 1, "must be a number"),
    ("- {table: customers, column: email, function: full, key: abc}", 1, "belongs to the function 'hash'"),
    (
        "- {table: customers, column: email, function: hash, key: 'env:NO_SUCH'}",
        1,
        "'NO_SUCH' of the key is not set",
    ),
    ("- {table: customers, column: email, function: hash, key: ''}", 1, "the key is empty"),
    (
        "- {table: orders, column: total, function: full}\n- {table: Orders, column: TOTAL, function: hash}",
        2,
        "a second mask for column 'total'",
    ),
]
LIMIT_FAULTS = [
    ("analyst: 3", 1, "a mapping of fields"),
    ("analyst:\n  max_rowz: 3", 2, "unknown field 'max_rowz'"),
    ("analyst:\n  max_rows: many", 2, "must be a number"),
    ("analyst:\n  burst: 1.5", 2, "whole number"),
    ("analyst: {}\nanalyst: {}", 2, "given twice"),
    ("- {role: a, burst: 1}\n- {role: a, burst: 2}", 2, "a second entry for role 'a'"),
    ("- {burst: 1}", 1, "field 'role' is missing"),
]


def faults_of(load: LoadPolicies, **texts: str) -> list[tuple[str, int, str]]:
    with pytest.raises(PolicyFaults) as found:
        load(**texts)
    return [(fault.file, fault.line, fault.message) for fault in found.value.faults]


def assert_one(faults: list[tuple[str, int, str]], file: str, line: int, part: str) -> None:
    assert [fault[:2] for fault in faults] == [(file, line)], faults
    assert part in faults[0][2]


@pytest.mark.parametrize(("text", "line", "part"), ACCESS_FAULTS)
def test_names_a_fault_of_the_access_rules(load: LoadPolicies, text: str, line: int, part: str) -> None:
    assert_one(faults_of(load, access=text), "access.cedar", line, part)


@pytest.mark.parametrize(("text", "line", "part"), FILTER_FAULTS)
def test_names_a_fault_of_the_row_filters(load: LoadPolicies, text: str, line: int, part: str) -> None:
    assert_one(faults_of(load, filters=text), "row_filters.yaml", line, part)


@pytest.mark.parametrize(("text", "line", "part"), MASK_FAULTS)
def test_names_a_fault_of_the_masks(load: LoadPolicies, text: str, line: int, part: str) -> None:
    assert_one(faults_of(load, masks=text), "masks.yaml", line, part)


@pytest.mark.parametrize(("text", "line", "part"), LIMIT_FAULTS)
def test_names_a_fault_of_the_limits(load: LoadPolicies, text: str, line: int, part: str) -> None:
    assert_one(faults_of(load, limits=text), "limits.yaml", line, part)


def test_names_the_faults_of_all_files_at_once(load: LoadPolicies) -> None:
    faults = faults_of(load, access="permit;", filters="- 1", masks="- 2\n- 3", limits="a: 4")

    assert [fault[:2] for fault in faults] == [
        ("access.cedar", 1),
        ("limits.yaml", 1),
        ("masks.yaml", 1),
        ("masks.yaml", 2),
        ("row_filters.yaml", 1),
    ]


def test_a_file_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "access.cedar").write_text(ACCESS)

    with pytest.raises(PolicyFaults) as found:
        load_policies(tmp_path, CATALOG, lambda _table, _predicate: None, {})

    assert [fault.file for fault in found.value.faults] == ["limits.yaml", "masks.yaml", "row_filters.yaml"]


def test_a_file_that_is_not_utf8_is_a_fault_at_its_line(load: LoadPolicies, tmp_path: Path) -> None:
    load()
    (tmp_path / "masks.yaml").write_bytes(b"# fine\n- {table: \xff}\n")

    with pytest.raises(PolicyFaults, match=r"masks\.yaml:2: the text is not UTF-8"):
        load_policies(tmp_path, CATALOG, lambda _table, _predicate: None, {})


def test_reports_what_the_predicate_check_says(tmp_path: Path, load: LoadPolicies) -> None:
    load(filters="- table: customers\n  filter: region = '{region}'")
    asked: list[tuple[str, str]] = []

    def check(table: object, predicate: str) -> str:
        asked.append((str(table), predicate))
        return "no such thing"

    with pytest.raises(PolicyFaults, match=r"row_filters\.yaml:2: .*no such thing"):
        load_policies(tmp_path, CATALOG, check, {})

    assert asked == [("main.customers", "region = $region")]


def test_empty_files_are_no_rules(load: LoadPolicies) -> None:
    policies = load(access="", filters="# nothing\n", masks="[]\n", limits="[]\n")

    assert (policies.filters, policies.masks, policies.limits) == ({}, {}, {})


def test_the_version_changes_with_any_file(load: LoadPolicies) -> None:
    versions = {
        load().version,
        load(filters="[]").version,
        load(masks="[]").version,
        load(limits="[]").version,
    }

    assert len(versions) == 4
    assert all(len(version) == 12 for version in versions)


def test_the_list_may_stand_under_the_name_of_its_file(load: LoadPolicies) -> None:
    policies = load(masks="masks:\n- {table: customers, column: ssn, function: full}")

    assert list(policies.masks) == [CUSTOMERS]


def test_null_is_a_mask_with_and_without_quotes(load: LoadPolicies) -> None:
    policies = load(
        masks="- {table: customers, column: ssn, function: null}\n"
        "- {table: customers, column: email, function: 'null'}"
    )

    assert [rule.mask.function for rule in policies.masks[CUSTOMERS]] == [MaskFunction.NULL] * 2


def test_columns_of_masks_are_folded(load: LoadPolicies) -> None:
    policies = load(masks="- {table: CUSTOMERS, column: NAME, function: full}")

    assert [rule.column for rule in policies.masks[CUSTOMERS]] == ["name"]


def test_the_key_of_a_hash_comes_from_the_file_or_the_environment(load: LoadPolicies) -> None:
    policies = load(
        masks="- {table: customers, column: ssn, function: hash, key: pepper}\n"
        "- {table: customers, column: email, function: hash, key: 'env:MASK_KEY'}",
        environ={"MASK_KEY": "salt"},
    )

    assert [rule.mask for rule in policies.masks[CUSTOMERS]] == [
        Mask(MaskFunction.HASH, key=b"pepper"),
        Mask(MaskFunction.HASH, key=b"salt"),
    ]


def test_two_masks_of_one_column_may_have_different_audiences(load: LoadPolicies) -> None:
    policies = load(
        masks="- {table: customers, column: ssn, function: full, roles: [analyst]}\n"
        "- {table: customers, column: ssn, function: hash, roles: [developer]}"
    )

    assert len(policies.masks[CUSTOMERS]) == 2


def test_limits_are_a_mapping_or_a_list(load: LoadPolicies) -> None:
    mapping = load(limits="analyst: {max_rows: 10, credits_per_month: 2.5}")
    listed = load(limits="- {role: analyst, max_rows: 10, credits_per_month: 2.5}")

    assert mapping.limits == listed.limits == {"analyst": {"max_rows": 10, "credits_per_month": 2.5}}


def test_attributes_may_be_read_with_and_without_asking_for_them(load: LoadPolicies) -> None:
    policies = load(
        access='permit (principal, action, resource) when { principal.department == "x" };\n'
        'permit (principal, action, resource) when { principal has region && principal.region == "EU" };'
    )

    assert len(policies.access.rules) == 2


def test_remembers_which_context_the_rules_look_at(load: LoadPolicies) -> None:
    some = load(
        access="permit (principal, action, resource) when { context.hour > 8 && context has weekday };"
    )

    assert some.access.context == {"hour", "weekday"}


def test_a_filter_keeps_its_place_and_its_placeholders(load: LoadPolicies) -> None:
    policies = load(filters="# first\n- table: orders\n  filter: status = '{region}' AND total > {floor}")

    (rule,) = policies.filters[ORDERS]
    assert rule.predicate == "status = $region AND total > $floor"
    assert rule.placeholders == ("region", "floor")
    assert rule.source == "row_filters.yaml:2"
