"""Turns the entries of row_filters.yaml, masks.yaml and limits.yaml into rules."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from flight_server.model import Mask, MaskFunction, TableName
from flight_server.policy.documents import Entry, read_entries, read_named_entries
from flight_server.policy.faults import PolicyFault
from flight_server.policy.model import Audience, FilterRule, MaskRule, RoleLimits
from flight_server.policy.placeholders import BadFilter, rewrite
from flight_server.syntax.names import fold

ROW_FILTERS = "row_filters.yaml"
MASKS = "masks.yaml"
LIMITS = "limits.yaml"

Catalog = Mapping[TableName, tuple[str, ...]]
CheckPredicate = Callable[[TableName, str], str | None]
"""Says what is wrong with a predicate over a table, or None; `$name` stands for bound values."""

_FILTER_FIELDS = frozenset({"table", "filter", "roles", "exempt_roles"})
_MASK_FIELDS = frozenset({"table", "column", "function", "visible_chars", "key", "roles", "exempt_roles"})
_WHOLE_LIMITS = ("requests_per_minute", "burst", "max_rows", "max_concurrent", "max_timeout_ms")
_LIMIT_FIELDS = frozenset({*_WHOLE_LIMITS, "credits_per_month", "role"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the files are checked against."""

    catalog: Catalog
    check_predicate: CheckPredicate
    environ: Mapping[str, str]


def table_named(text: str) -> TableName | None:
    """Return the table that `customers`, `finance.ledger` or `engine.main.t` means; None for other shapes."""
    parts = fold(text).split(".")
    if not all(parts) or len(parts) > 3:
        return None
    return TableName(".".join(parts[:-1]) or "main", parts[-1])


def closest(name: str, known: Iterator[str] | tuple[str, ...]) -> str:
    """Return `; did you mean ..?` for the nearest of *known*, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def load_filters(
    text: str, around: Surroundings, faults: list[PolicyFault]
) -> dict[TableName, tuple[FilterRule, ...]]:
    """Return the row filters by table, in the order of the file."""
    rules: dict[TableName, tuple[FilterRule, ...]] = {}
    for entry in read_entries(ROW_FILTERS, text, _FILTER_FIELDS, faults):
        rule = _filter_rule(entry, around)
        if rule is not None:
            rules[rule.table] = (*rules.get(rule.table, ()), rule)
    return rules


def _filter_rule(entry: Entry, around: Surroundings) -> FilterRule | None:
    table = _table(entry, around.catalog)
    audience = _audience(entry)
    text = entry.text("filter")
    if text is None:
        return None
    try:
        predicate, placeholders = rewrite(text)
    except BadFilter as error:
        entry.fault(f"the filter contains {error}", "filter")
        return None
    problem = around.check_predicate(table, predicate) if table else None
    if problem or not predicate.strip():
        entry.fault(f"the filter is not a condition over the table: {problem or 'it is empty'}", "filter")
    if table is None:
        return None
    return FilterRule(table, predicate, placeholders, audience, f"{entry.file}:{entry.line}")


def load_masks(
    text: str, around: Surroundings, faults: list[PolicyFault]
) -> dict[TableName, tuple[MaskRule, ...]]:
    """Return the masks by table; two that could meet on one column are a fault."""
    rules: dict[TableName, tuple[MaskRule, ...]] = {}
    for entry in read_entries(MASKS, text, _MASK_FIELDS, faults):
        rule = _mask_rule(entry, around)
        if rule is None:
            continue
        earlier = rules.get(rule.table, ())
        if not all(_disjoint(rule, other) for other in earlier):
            entry.fault(f"a second mask for column '{rule.column}' of table '{rule.table}'")
        rules[rule.table] = (*earlier, rule)
    return rules


def _disjoint(one: MaskRule, other: MaskRule) -> bool:
    if one.column != other.column:
        return True
    one_roles, other_roles = one.audience.roles, other.audience.roles
    return bool(one_roles and other_roles and one_roles.isdisjoint(other_roles))


def _mask_rule(entry: Entry, around: Surroundings) -> MaskRule | None:
    table = _table(entry, around.catalog)
    column = _column(entry, table, around.catalog)
    audience = _audience(entry)
    mask = _mask(entry, around.environ)
    if table is None or column is None or mask is None:
        return None
    return MaskRule(table, column, mask, audience, f"{entry.file}:{entry.line}")


def _mask(entry: Entry, environ: Mapping[str, str]) -> Mask | None:
    function = _function(entry)
    visible = entry.whole("visible_chars") if "visible_chars" in entry.fields else 4
    key = _key(entry, environ)
    if function is None:
        return None
    if "visible_chars" in entry.fields and function is not MaskFunction.PARTIAL:
        entry.fault("field 'visible_chars' belongs to the function 'partial'", "visible_chars")
    if "key" in entry.fields and function is not MaskFunction.HASH:
        entry.fault("field 'key' belongs to the function 'hash'", "key")
    return Mask(function, 4 if visible is None else visible, key)


def _function(entry: Entry) -> MaskFunction | None:
    if "function" in entry.fields and entry.is_null("function"):
        return MaskFunction.NULL  # `function: null` is YAML's null, and means the mask of that name
    text = entry.text("function")
    if text in tuple(MaskFunction):
        return MaskFunction(text)
    if text is not None:
        entry.fault(f"unknown function '{text}'; known are {', '.join(MaskFunction)}", "function")
    return None


def _key(entry: Entry, environ: Mapping[str, str]) -> bytes | None:
    text = entry.text("key", required=False)
    if text is None:
        return None
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if name not in environ:
            entry.fault(f"the environment variable '{name}' of the key is not set", "key")
        text = environ.get(name, "unset")
    if not text:
        entry.fault("the key is empty", "key")
    return text.encode(errors="surrogateescape")


def load_limits(text: str, faults: list[PolicyFault]) -> dict[str, RoleLimits]:
    """Return the ceilings that each role states; the file maps roles to them, or lists them with `role`."""
    limits: dict[str, RoleLimits] = {}
    for name, entry in read_named_entries(LIMITS, text, _LIMIT_FIELDS, faults):
        role = name or entry.text("role")
        if name and "role" in entry.fields:
            entry.fault("field 'role' repeats what the entry is called", "role")
        elif role in limits:
            entry.fault(f"a second entry for role '{role}'")
        elif role:
            limits[role] = {field: _limit(entry, field) for field in entry.fields if field != "role"}
    return limits


def _limit(entry: Entry, name: str) -> float | None:
    if entry.is_null(name):
        return None
    return entry.whole(name) if name in _WHOLE_LIMITS else entry.number(name)


def _audience(entry: Entry) -> Audience:
    roles = entry.fields.get("roles")
    if roles is not None and roles.value == []:
        entry.fault("field 'roles' names no role; leave it out to mean everybody", "roles")
    return Audience(entry.names("roles"), entry.names("exempt_roles"))


def _table(entry: Entry, catalog: Catalog) -> TableName | None:
    text = entry.text("table")
    if text is None:
        return None
    table = table_named(text)
    if table in catalog:
        return table
    near = closest(str(table), tuple(str(name) for name in catalog))
    entry.fault(f"table '{text}' does not exist{near}", "table")
    return None


def _column(entry: Entry, table: TableName | None, catalog: Catalog) -> str | None:
    text = entry.text("column")
    if text is None or table is None:
        return None
    columns = tuple(fold(column) for column in catalog[table])
    if fold(text) in columns:
        return fold(text)
    entry.fault(f"table '{table}' has no column '{text}'{closest(fold(text), columns)}", "column")
    return None
