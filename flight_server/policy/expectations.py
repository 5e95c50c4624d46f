"""Runs a table of expectations against policies: the unit tests of a data owner.

Each entry names a principal, a query or an action on a table, and what must come
of it. What an entry does not mention is not checked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from flight_server.errors import QueryRefused
from flight_server.model import Action, Principal
from flight_server.policy.documents import Entry, compose, line_of, read_entries, read_entry
from flight_server.policy.explain import Explanation
from flight_server.policy.faults import PolicyFault, PolicyFaults
from flight_server.policy.model import PROTOCOLS, RequestContext
from flight_server.policy.rules import table_named
from flight_server.policy.workbench import Access, Workbench

_FIELDS = frozenset(
    {"name", "role", "roles", "agent", "framework", "attrs", "at", "sql", "table", "action"}
    | {"expect", "rows", "masked"}
)
_AT = frozenset({"hour", "weekday", "protocol", "source_ip"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """One entry; None is for what it does not mention.

    Attributes:
        rows: Row filters with their values, as `hati policy explain` prints them.
        masked: Columns, as `schema.table.column`, `table.column` or `column`.
    """

    name: str
    line: int
    principal: Principal
    context: RequestContext
    sql: str | None
    access: Access | None
    allowed: bool
    rows: frozenset[str] | None
    masked: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Result:
    """An expectation and how the policies disappoint it, in words; no word means they do not."""

    expectation: Expectation
    complaints: tuple[str, ...]


def read_expectations(file: str, text: str, now: dt.datetime) -> tuple[Expectation, ...]:
    """Return the entries of *text*.

    Raises:
        PolicyFaults: An entry is not understood; all faults are named.
    """
    faults: list[PolicyFault] = []
    compose(file, text, faults)
    entries = [] if faults else list(read_entries(file, text, _FIELDS, faults))
    read = [_expectation(entry, now) for entry in entries]
    if faults:
        raise PolicyFaults(faults)
    return tuple(read)


def _expectation(entry: Entry, now: dt.datetime) -> Expectation:
    sql = entry.text("sql", required=False)
    access = _access(entry)
    if (sql is None) == (access is None):
        entry.fault("an entry has either 'sql' or 'table' and 'action'")
    expect = entry.text("expect")
    if expect not in ("allow", "deny", None):
        entry.fault("field 'expect' is 'allow' or 'deny'", "expect")
    return Expectation(
        name=entry.text("name", required=False) or f"line {entry.line}",
        line=entry.line,
        principal=_principal(entry),
        context=_context(entry, now),
        sql=sql,
        access=access,
        allowed=expect == "allow",
        rows=_texts(entry, "rows"),
        masked=_texts(entry, "masked"),
    )


def _access(entry: Entry) -> Access | None:
    if "table" not in entry.fields and "action" not in entry.fields:
        return None
    table = table_named(entry.text("table") or "")
    action = entry.text("action")
    if action not in tuple(Action):
        entry.fault(f"field 'action' is one of {', '.join(Action)}", "action")
        return None
    if table is None:
        entry.fault("field 'table' is a table or schema.table", "table")
        return None
    return Action(action), table


def _principal(entry: Entry) -> Principal:
    role = entry.text("role", required=False)
    roles = entry.names("roles") | ({role} if role else set())
    if not roles:
        entry.fault("field 'role' (or 'roles') is missing")
    attributes = _texts_by_name(entry, "attrs", None)
    framework = entry.text("framework", required=False) or "custom"
    return principal_of(roles, entry.text("agent", required=False) or "test", framework, attributes)


def principal_of(
    roles: frozenset[str], agent: str, framework: str, attributes: Mapping[str, str]
) -> Principal:
    """Return a principal that exists for the policies alone; no key stands behind it."""
    return Principal("policy-test", frozenset(roles), agent, framework, attributes, "test")


def _context(entry: Entry, now: dt.datetime) -> RequestContext:
    at = _texts_by_name(entry, "at", _AT)
    hour, weekday = at.get("hour", str(now.hour)), at.get("weekday", str(now.isoweekday()))
    protocol = PROTOCOLS.get(at.get("protocol", "http"))
    if protocol is None or not hour.isdecimal() or not weekday.isdecimal():
        entry.fault("field 'at' has hour and weekday as numbers, protocol as flight, http or mcp", "at")
        return RequestContext(0, 1, "http", "127.0.0.1")
    return RequestContext(int(hour), int(weekday), protocol, at.get("source_ip", "127.0.0.1"))


def _texts_by_name(entry: Entry, name: str, known: frozenset[str] | None) -> dict[str, str]:
    node = entry.fields.get(name)
    if node is None:
        return {}
    inner = read_entry(entry.file, node, known, entry.faults)
    return {key: inner.text(key) or "" for key in inner.fields} if inner else {}


def _texts(entry: Entry, name: str) -> frozenset[str] | None:
    """Return one text or a list of texts; None when the field is absent."""
    node = entry.fields.get(name)
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if not isinstance(item, yaml.ScalarNode):
                entry.faults.append(PolicyFault(entry.file, line_of(item), f"'{name}' is a list of texts"))
        return frozenset(str(item.value) for item in node.value)
    text = entry.text(name, required=False)
    return None if text is None else frozenset({text})


def run(expectations: tuple[Expectation, ...], workbench: Workbench) -> Iterator[Result]:
    """Yield what became of each expectation, in order."""
    for one in expectations:
        yield Result(one, tuple(_complaints(one, workbench)))


def _complaints(one: Expectation, workbench: Workbench) -> Iterator[str]:
    try:
        accesses = (one.access,) if one.access else workbench.accesses(one.sql or "")
    except QueryRefused as error:
        if one.allowed:
            yield f"refused: {error.message}"
        return
    found = workbench.explain(one.principal, accesses, one.context)
    if found.allowed != one.allowed:
        yield f"refused: {found.refusal}" if one.allowed else "allowed"
        return
    yield from _differences(one, found)


def _differences(one: Expectation, found: Explanation) -> Iterator[str]:
    rows = frozenset(_squeezed(text) for text in found.row_filters)
    if one.rows is not None and rows != frozenset(_squeezed(text) for text in one.rows):
        yield f"rows: {sorted(rows) or 'all'}"
    if one.masked is not None:
        unexpected = [name for name in found.masked if not _names(name) & one.masked]
        missing = one.masked - frozenset().union(*map(_names, found.masked))
        if unexpected or missing:
            yield f"masked: {', '.join(found.masked) or 'nothing'}"


def _names(column: str) -> frozenset[str]:
    """Return the ways to write the column `schema.table.column`."""
    path, _, name = column.rpartition(".")
    schema, _, table = path.rpartition(".")
    return frozenset({column, f"{table}.{name}", name} if schema else {column})


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())
