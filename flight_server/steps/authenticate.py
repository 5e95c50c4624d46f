"""Step 2: turns what a caller presents into a principal, the only place that makes one.

A reader would get this wrong: every bad key gets the same refusal and costs one argon2
hash, whether it is malformed, unknown, expired, revoked or another installation's; only
the refusal's `detail`, which the audit log keeps, tells them apart.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Caller, Credential, Principal
from flight_server.stores.keys import KeyStore
from flight_server.stores.keys_record import KeyRecord, is_printable_name
from flight_server.stores.rate import FailureLimiter, is_loopback

_Environment = Literal["live", "test", "agent", "certificate"]

_DEV_ROLES = frozenset({"admin"})


def authenticate(caller: Caller, keys: KeyStore, *, dev_mode: bool, failures: FailureLimiter) -> Principal:
    """Return who the caller is.

    Without a credential that is nobody, except in dev mode and from this machine: then it
    is `dev` with the role `admin`. A wrong credential is refused in dev mode too.

    Raises:
        QueryRefused: UNAUTHORIZED; RATE_LIMITED after too many failures of the address;
            POLICY_DENIED for an X-Agent-Id that the key may not use; INVALID_REQUEST for one
            that is no name.
    """
    if caller.credential is None:
        return _dev_principal(caller, dev_mode=dev_mode)
    if caller.credential.kind == "certificate":
        return _by_certificate(caller.credential, caller, keys)
    record = keys.cached(caller.credential.secret)
    if record is None:
        record = _verify_limited(caller.credential, caller.source_ip, keys, failures)
    return _principal(record, record.prefix, record.environment, caller.agent_override)


def _verify_limited(
    credential: Credential, address: str, keys: KeyStore, failures: FailureLimiter
) -> KeyRecord:
    failures.check(address)
    try:
        return keys.verify(credential.secret)
    except QueryRefused as refusal:
        if refusal.code is ErrorCode.UNAUTHORIZED:
            failures.record(address)
        raise


def _by_certificate(credential: Credential, caller: Caller, keys: KeyStore) -> Principal:
    common_name = credential.secret
    record = keys.verify_certificate(common_name)
    return _principal(record, f"cert:{common_name}", "certificate", caller.agent_override)


def _dev_principal(caller: Caller, *, dev_mode: bool) -> Principal:
    if not dev_mode:
        raise QueryRefused(ErrorCode.UNAUTHORIZED, detail="no credential")
    if not is_loopback(caller.source_ip):
        raise QueryRefused(
            ErrorCode.UNAUTHORIZED, detail=f"dev mode serves this machine only, not {caller.source_ip!r}"
        )
    agent_id = _checked_name(caller.agent_override) if caller.agent_override else "dev"
    return Principal("dev", _DEV_ROLES, agent_id, "custom", MappingProxyType({}), "dev")


def _principal(
    record: KeyRecord, shown: str, environment: _Environment, agent_override: str | None
) -> Principal:
    """Make the principal; an override changes the agent it acts for and nothing else."""
    agent_id = record.agent_id
    if agent_override and agent_override != agent_id:
        if not record.allow_agent_override:
            raise QueryRefused(
                ErrorCode.POLICY_DENIED,
                "This API key may not act for another agent (X-Agent-Id)",
                detail=f"X-Agent-Id {agent_override[:128]!r} with key {shown}, which may not override",
            )
        agent_id = _checked_name(agent_override)
    return Principal(shown, record.roles, agent_id, record.framework, record.attributes, environment)


def _checked_name(name: str) -> str:
    if not is_printable_name(name):
        raise QueryRefused(
            ErrorCode.INVALID_REQUEST, "X-Agent-Id must be 1 to 128 printable characters", detail="X-Agent-Id"
        )
    return name
