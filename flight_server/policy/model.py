"""The policies as values: loaded once, immutable, replaced as a whole.

A rule keeps the file and line it came from, because a data owner who asks why
a query was refused wants to be shown the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from flight_server.model import Limits, Mask, Protocol, TableName
from flight_server.recent import Recent

if TYPE_CHECKING:  # cedarpy is needed to evaluate, not to hold values
    from cedarpy import PolicySet
    from cedarpy.pst import Template

    from flight_server.model import Grant

PROTOCOLS: Mapping[str, Protocol] = {"flight": "flight", "http": "http", "mcp": "mcp"}
"""The protocols by the text that people write."""

REMEMBERED = 8192
"""How many decisions and how many grants one set of policies remembers."""

BUILT_IN_PLACEHOLDERS = frozenset({"agent_id", "role", "framework"})
"""Placeholders of row filters that are not attributes of the key."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What the access policy may ask about the request itself.

    Attributes:
        hour: 0 to 23, UTC.
        weekday: 1 (Monday) to 7 (Sunday), UTC.
        source_ip: An IPv4 or IPv6 address as text; anything else denies as soon as a policy asks for it.
    """

    hour: int
    weekday: int
    protocol: Protocol
    source_ip: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a rule concerns: the holders of any of *roles* (empty: everybody), but no holder of *exempt*."""

    roles: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()

    def includes(self, roles: frozenset[str]) -> bool:
        """Whether the rule bites a principal with *roles*."""
        named = not self.roles or not self.roles.isdisjoint(roles)
        return named and self.exempt.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class FilterRule:
    """One entry of row_filters.yaml, its placeholders rewritten to `$name`."""

    table: TableName
    predicate: str
    placeholders: tuple[str, ...]
    audience: Audience
    source: str


@dataclass(frozen=True, slots=True)
class MaskRule:
    """One entry of masks.yaml; *column* is folded."""

    table: TableName
    column: str
    mask: Mask
    audience: Audience
    source: str


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One statement of access.cedar.

    Attributes:
        policy_id: The id that Cedar gives it by position.
        label: Its `@id` annotation, or `access.cedar:LINE`.
        role: The role that its scope names with `principal in Role::".."`, else None.
        names_resources: Whether its outcome can differ between two tables.
        tables: The tables that it names.
        schemas: The schemas that it names.
    """

    policy_id: str
    label: str
    line: int
    effect: Literal["permit", "forbid"]
    role: str | None
    names_resources: bool
    tables: frozenset[str]
    schemas: frozenset[str]

    @property
    def source(self) -> str:
        """Where it stands."""
        return f"access.cedar:{self.line}"

    def may_concern(self, roles: frozenset[str]) -> bool:
        """Whether the scope leaves open that the rule applies to a principal with *roles*."""
        return self.role is None or self.role in roles


@dataclass(frozen=True, slots=True)
class Decision:
    """What Cedar says to one action on one table.

    Attributes:
        reasons: Labels of the rules that decided; none for a default deny.
        broken: Labels of the rules that could not be evaluated (an attribute is missing).
        general: Whether a permit that names no table or schema is among the reasons.
        policy_ids: Cedar's ids of the rules in *reasons*.
    """

    allowed: bool
    reasons: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    general: bool = False


@dataclass(frozen=True, slots=True)
class AccessRules:
    """access.cedar, parsed once.

    Attributes:
        policies: The syntax tree of each rule, by id.
        tables: Tables that any rule names; all others of a schema are alike to the rules.
        schemas: Schemas that any rule names; all others are alike.
        context: The context attributes that the rules look at.
    """

    policies: Mapping[str, Template] = field(repr=False)
    rules: Mapping[str, AccessRule]
    tables: frozenset[str]
    schemas: frozenset[str]
    context: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A statement that the policies refuse, with the text for the caller and the one for the audit log."""

    message: str
    detail: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What a set of policies has decided already; lost with the set, so that a reload forgets it all."""

    slices: Recent[PolicySet] = field(default_factory=lambda: Recent(REMEMBERED))
    decisions: Recent[Decision] = field(default_factory=lambda: Recent(REMEMBERED))
    wide: Recent[bool] = field(default_factory=lambda: Recent(REMEMBERED))
    outcomes: Recent[Grant | Refusal] = field(default_factory=lambda: Recent(REMEMBERED))


RoleLimits = Mapping[str, float | None]
"""The ceilings that one role states; None is an explicit "no ceiling", absence says nothing."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The whole of HOME/policies.

    Attributes:
        version: The first 12 hex digits of the SHA-256 of the four files.
    """

    version: str
    access: AccessRules
    filters: Mapping[TableName, tuple[FilterRule, ...]]
    masks: Mapping[TableName, tuple[MaskRule, ...]]
    limits: Mapping[str, RoleLimits]
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    def limits_of(self, roles: frozenset[str]) -> Limits:
        """Return the ceilings of *roles*: of each, the most generous that a role states."""
        stated: dict[str, list[float | None]] = {}
        for role in roles & self.limits.keys():
            for name, value in self.limits[role].items():
                stated.setdefault(name, []).append(value)
        return _limits({name: most_generous(values) for name, values in stated.items()})


def most_generous(values: list[float | None]) -> float | None:
    """Return the largest of *values*; None, which means no ceiling, is larger than any."""
    numbers = [value for value in values if value is not None]
    return max(numbers) if len(numbers) == len(values) else None


def _limits(values: Mapping[str, float | None]) -> Limits:
    whole = {name: value if value is None else int(value) for name, value in values.items()}
    return Limits(
        requests_per_minute=whole.get("requests_per_minute"),
        burst=whole.get("burst"),
        credits_per_month=values.get("credits_per_month"),
        max_rows=whole.get("max_rows"),
        max_concurrent=whole.get("max_concurrent"),
        max_timeout_ms=whole.get("max_timeout_ms"),
    )
