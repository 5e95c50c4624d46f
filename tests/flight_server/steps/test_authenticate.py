"""Who a caller is, and who it is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Caller, Credential, Principal
from flight_server.steps.authenticate import authenticate
from flight_server.stores.keys import KeyStore
from flight_server.stores.rate import FailureLimiter


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    store = KeyStore.open(tmp_path / "keys.db")
    yield store
    store.close()


def caller(secret: str | None, *, agent: str | None = None, address: str = "127.0.0.1") -> Caller:
    credential = None if secret is None else Credential("key", secret)
    return Caller(credential, agent, "http", address)


def certificate(common_name: str, agent: str | None = None) -> Caller:
    return Caller(Credential("certificate", common_name), agent, "flight", "127.0.0.1")


def principal(who: Caller, keys: KeyStore, *, dev_mode: bool = False) -> Principal:
    return authenticate(who, keys, dev_mode=dev_mode, failures=FailureLimiter())


def refused(who: Caller, keys: KeyStore, *, dev_mode: bool = False) -> QueryRefused:
    with pytest.raises(QueryRefused) as caught:
        principal(who, keys, dev_mode=dev_mode)
    return caught.value


def test_a_key_gives_its_roles_agent_and_attributes(keys: KeyStore) -> None:
    secret = keys.create(
        roles=["analyst"], agent_id="bot", framework="crewai", attributes={"region": "EU"}, environment="test"
    )

    who = principal(caller(secret), keys)

    assert (who.key_prefix, who.roles, who.agent_id) == (secret[:12], frozenset({"analyst"}), "bot")
    assert (who.framework, who.attributes, who.environment) == ("crewai", {"region": "EU"}, "test")


def test_dev_mode_gives_an_admin_to_a_caller_without_credential(keys: KeyStore) -> None:
    who = principal(caller(None), keys, dev_mode=True)

    assert (who.key_prefix, who.roles, who.agent_id) == ("dev", frozenset({"admin"}), "dev")


def test_dev_mode_refuses_a_wrong_credential(keys: KeyStore) -> None:
    assert refused(caller("wrong"), keys, dev_mode=True).code is ErrorCode.UNAUTHORIZED


@pytest.mark.parametrize("address", ["192.0.2.1", "", "ipv4:127.0.0.1:80"])
def test_dev_mode_serves_this_machine_only(keys: KeyStore, address: str) -> None:
    assert refused(caller(None, address=address), keys, dev_mode=True).code is ErrorCode.UNAUTHORIZED


def test_without_dev_mode_a_credential_is_needed(keys: KeyStore) -> None:
    assert refused(caller(None), keys).code is ErrorCode.UNAUTHORIZED


def test_an_override_changes_the_agent_and_nothing_else(keys: KeyStore) -> None:
    secret = keys.create(roles=["analyst"], agent_id="bot", allow_agent_override=True)

    who = principal(caller(secret, agent="other"), keys)

    assert (who.agent_id, who.roles, who.key_prefix) == ("other", frozenset({"analyst"}), secret[:12])


def test_a_key_without_the_right_may_not_name_another_agent(keys: KeyStore) -> None:
    secret = keys.create(roles=["admin"], agent_id="bot")

    fault = refused(caller(secret, agent="other"), keys)

    assert fault.code is ErrorCode.POLICY_DENIED
    assert "X-Agent-Id" in fault.message
    assert principal(caller(secret, agent="bot"), keys).agent_id == "bot"
    assert principal(caller(secret, agent=""), keys).agent_id == "bot"


@pytest.mark.parametrize("agent", ["a\nb", "\x1b[2J", "x" * 129, " bot", "\udc80"])
def test_refuses_an_agent_that_is_no_name(keys: KeyStore, agent: str) -> None:
    secret = keys.create(roles=["admin"], allow_agent_override=True)

    assert refused(caller(secret, agent=agent), keys).code is ErrorCode.INVALID_REQUEST


def test_a_certificate_acts_as_the_key_it_is_bound_to(keys: KeyStore) -> None:
    keys.create(roles=["analyst"], agent_id="etl", certificate_cn="etl.example.com")

    who = principal(certificate("etl.example.com"), keys)

    assert (who.key_prefix, who.environment, who.agent_id) == ("cert:etl.example.com", "certificate", "etl")
    assert refused(certificate("etl.example.com", "other"), keys).code is ErrorCode.POLICY_DENIED


def test_a_certificate_without_a_key_is_nobody(keys: KeyStore) -> None:
    assert refused(certificate("stranger"), keys).code is ErrorCode.UNAUTHORIZED


def test_an_address_that_guesses_keys_waits_but_proven_keys_go_on(keys: KeyStore) -> None:
    good = keys.create(roles=["admin"])
    fresh = keys.create(roles=["admin"])
    failures = FailureLimiter(per_minute_limit=2)
    guess = caller("hd_live_" + "a" * 32, address="192.0.2.1")
    authenticate(caller(good, address="192.0.2.1"), keys, dev_mode=False, failures=failures)

    codes = []
    for who in (guess, guess, guess, caller(fresh, address="192.0.2.1")):
        with pytest.raises(QueryRefused) as caught:
            authenticate(who, keys, dev_mode=False, failures=failures)
        codes.append(caught.value.code)

    assert codes == [ErrorCode.UNAUTHORIZED] * 2 + [ErrorCode.RATE_LIMITED] * 2
    for who in (caller(good, address="192.0.2.1"), caller(fresh, address="192.0.2.2")):
        authenticate(who, keys, dev_mode=False, failures=failures)


def test_a_revoked_key_is_refused_like_an_unknown_one(keys: KeyStore) -> None:
    secret = keys.create(roles=["admin"], expires_in=dt.timedelta(days=1))
    principal(caller(secret), keys)
    keys.revoke(secret[:12])

    known, unknown = refused(caller(secret), keys), refused(caller("hd_live_" + "a" * 32), keys)

    assert (known.code, known.message) == (unknown.code, unknown.message)
    assert known.detail != unknown.detail
