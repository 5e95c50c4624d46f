"""A key as it is listed, and its row in keys.db."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, cast

from flight_server.stores.keys_secret import Environment

COLUMNS: Final = (
    "id, prefix, tag, hash, roles, agent_id, framework, attributes, environment, allow_agent_override, "
    "certificate_cn, created_at, expires_at, revoked_at, last_used_at"
)
MAX_NAME_LENGTH: Final = 128


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key, without anything that would prove it.

    Attributes:
        prefix: The first 12 characters of the key; practically unique.
        agent_id: Whom queries with this key are attributed to.
        allow_agent_override: Whether X-Agent-Id may name another agent.
        certificate_cn: Common name of the certificate that acts as this key, or empty.
    """

    prefix: str
    roles: frozenset[str]
    agent_id: str
    framework: str
    attributes: Mapping[str, str]
    environment: Environment
    allow_agent_override: bool
    certificate_cn: str
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A row of keys.db; times are seconds since the epoch."""

    id: int
    hash: str = field(repr=False)
    expires_at: float | None
    revoked_at: float | None
    record: KeyRecord


def stored_key(row: Sequence[object]) -> StoredKey:
    """Read a row selected with `COLUMNS`."""
    (key_id, prefix, _tag, hashed, roles, agent_id, framework, attributes, environment, override,
     certificate_cn, created_at, expires_at, revoked_at, last_used_at) = row  # fmt: skip
    record = KeyRecord(
        prefix=str(prefix),
        roles=frozenset(json.loads(str(roles))),
        agent_id=str(agent_id),
        framework=str(framework),
        attributes=MappingProxyType(json.loads(str(attributes))),
        environment=cast(Environment, environment),
        allow_agent_override=bool(override),
        certificate_cn=str(certificate_cn),
        created_at=_moment(cast(float, created_at)),
        expires_at=_optional_moment(expires_at),
        revoked_at=_optional_moment(revoked_at),
        last_used_at=_optional_moment(last_used_at),
    )
    return StoredKey(
        cast(int, key_id),
        str(hashed),
        cast("float | None", expires_at),
        cast("float | None", revoked_at),
        record,
    )


def check_names(
    *, roles: Sequence[str], agent_id: str, framework: str, attributes: Mapping[str, str], cn: str
) -> None:
    """Refuse names that policies, logs and listings could not show as they are.

    Raises:
        ValueError: There is no role, or a name is empty, longer than 128 characters or not printable.
    """
    if not roles:
        raise ValueError("a key needs at least one role")
    _check("role", roles)
    _check("agent", [agent_id])
    _check("framework", [framework])
    _check("attribute", [*attributes, *attributes.values()])
    _check("certificate", [cn] if cn else [])


def is_printable_name(name: str) -> bool:
    """Whether *name* may stand for an agent, a role or an attribute."""
    return 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable() and name == name.strip()


def _check(what: str, names: Iterable[str]) -> None:
    for name in names:
        if not is_printable_name(name):
            raise ValueError(f"not a valid {what}: {name!r}")


def _moment(epoch: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


def _optional_moment(epoch: object) -> dt.datetime | None:
    return None if epoch is None else _moment(cast(float, epoch))
