"""The key store with real files, real hashes and a second process."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores import keys_secret
from flight_server.stores.keys import KeyStore


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[KeyStore]:
    opened = KeyStore.open(tmp_path / "keys.db", clock)
    yield opened
    opened.close()


def refusal(store: KeyStore, secret: str) -> QueryRefused:
    with pytest.raises(QueryRefused) as caught:
        store.verify(secret)
    return caught.value


@pytest.mark.parametrize(
    ("environment", "shape"),
    [
        ("live", r"hd_live_[A-Za-z0-9]{32}"),
        ("test", r"hd_test_[A-Za-z0-9]{32}"),
        ("agent", r"hd_agent_[A-Za-z0-9]{31}"),
    ],
)
def test_makes_keys_of_forty_characters(
    store: KeyStore, environment: keys_secret.Environment, shape: str
) -> None:
    secret = store.create(roles=["analyst"], environment=environment)

    assert len(secret) == 40
    assert re.fullmatch(shape, secret)


def test_verifies_a_key_and_returns_what_was_said_of_it(store: KeyStore) -> None:
    secret = store.create(
        roles=["analyst", "auditor"], agent_id="bot", framework="langchain", attributes={"region": "EU"}
    )

    record = store.verify(secret)

    assert (record.prefix, record.agent_id, record.framework) == (secret[:12], "bot", "langchain")
    assert record.roles == {"analyst", "auditor"}
    assert record.attributes == {"region": "EU"}


def test_names_an_agent_when_none_is_given(store: KeyStore) -> None:
    record = store.verify(store.create(roles=["admin"]))

    assert re.fullmatch(r"agent-[0-9a-f]{8}", record.agent_id)


def test_keeps_no_key_in_the_file(store: KeyStore, tmp_path: Path) -> None:
    secret = store.create(roles=["admin"])
    store.verify(secret)

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert secret.encode() not in stored
    assert secret[12:].encode() not in stored
    assert b"$argon2id$" in stored


def test_lets_only_its_owner_read_the_file(store: KeyStore, tmp_path: Path) -> None:
    store.create(roles=["admin"])

    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_gives_every_bad_key_the_same_refusal_and_its_own_detail(
    store: KeyStore, clock: Clock, tmp_path: Path
) -> None:
    expired = store.create(roles=["admin"], expires_in=dt.timedelta(days=1))
    revoked = store.create(roles=["admin"])
    store.revoke(revoked[:12])
    other = KeyStore.open(tmp_path / "other" / "keys.db")
    foreign = other.create(roles=["admin"])
    other.close()
    clock.now += 86_401

    refusals = [
        refusal(store, secret)
        for secret in ("nonsense", "", "é\udc80", "hd_live_" + "a" * 32, foreign, expired, revoked)
    ]

    assert {(fault.code, fault.message) for fault in refusals} == {
        (ErrorCode.UNAUTHORIZED, "Invalid API key")
    }
    assert [fault.detail for fault in refusals] == [
        *["malformed key"] * 3,
        "unknown key hd_live_aaaa",
        f"key {foreign[:12]} was issued by another installation",
        f"expired key {expired[:12]}",
        f"revoked key {revoked[:12]}",
    ]


def test_takes_as_long_for_an_unknown_prefix_as_for_a_wrong_key(store: KeyStore) -> None:
    known = store.create(roles=["admin"])
    wrong = known[:-1] + ("a" if known[-1] != "a" else "b")

    def median_ms(secret: str) -> float:
        durations = []
        for _ in range(5):
            started = time.perf_counter()
            refusal(store, secret)
            durations.append(time.perf_counter() - started)
        return statistics.median(durations) * 1000

    for secret in ("malformed", "hd_live_" + "z" * 32, wrong):
        assert median_ms(secret) > 5


def test_answers_for_a_verified_key_without_hashing(store: KeyStore) -> None:
    secret = store.create(roles=["admin"])
    store.verify(secret)

    started = time.perf_counter()
    for _ in range(100):
        store.verify(secret)

    assert (time.perf_counter() - started) / 100 < 0.001


def test_refuses_a_cached_key_the_moment_it_expires(store: KeyStore, clock: Clock) -> None:
    secret = store.create(roles=["admin"], expires_in=dt.timedelta(hours=1))
    store.verify(secret)
    clock.now += 3600

    assert refusal(store, secret).code is ErrorCode.UNAUTHORIZED


def test_revokes_by_prefix_and_says_how_many(store: KeyStore) -> None:
    first = store.create(roles=["admin"])
    second = store.create(roles=["admin"])
    store.verify(first)

    assert store.revoke(first[:12]) == 1
    assert store.revoke(first[:12]) == 0
    assert store.revoke("hd_live_") == 0
    assert refusal(store, first).code is ErrorCode.UNAUTHORIZED
    assert store.verify(second).prefix == second[:12]


def test_revocation_by_another_process_bites_within_a_second(tmp_path: Path) -> None:
    store = KeyStore.open(tmp_path / "keys.db")
    secret = store.create(roles=["admin"])
    store.verify(secret)
    revoke = (
        "import sys, pathlib; from flight_server.stores.keys import KeyStore; "
        "store = KeyStore.open(pathlib.Path(sys.argv[1])); store.revoke(sys.argv[2]); store.close()"
    )

    subprocess.run([sys.executable, "-c", revoke, str(tmp_path / "keys.db"), secret[:12]], check=True)
    revoked_at = time.monotonic()
    with contextlib.suppress(QueryRefused):
        while store.verify(secret).prefix and time.monotonic() < revoked_at + 3:
            time.sleep(0.01)

    assert time.monotonic() - revoked_at < 1.0
    store.close()


def test_sees_a_key_that_another_process_made(store: KeyStore, tmp_path: Path, clock: Clock) -> None:
    other = KeyStore.open(tmp_path / "keys.db", clock)
    secret = other.create(roles=["admin"])
    other.close()

    assert store.verify(secret).prefix == secret[:12]


def test_lists_keys_in_the_order_they_were_made(store: KeyStore) -> None:
    made = [store.create(roles=["admin"])[:12] for _ in range(3)]

    assert [record.prefix for record in store.list()] == made


def test_writes_the_last_use_when_it_closes(tmp_path: Path, clock: Clock) -> None:
    store = KeyStore.open(tmp_path / "keys.db", clock)
    store.verify(store.create(roles=["admin"]))
    store.close()

    again = KeyStore.open(tmp_path / "keys.db", clock)
    used = again.list()[0].last_used_at
    again.close()

    assert used is not None
    assert used.timestamp() == clock.now


def test_tells_two_keys_with_the_same_prefix_apart(store: KeyStore, tmp_path: Path) -> None:
    first = store.create(roles=["analyst"])
    second = store.create(roles=["admin"])
    with sqlite3.connect(tmp_path / "keys.db") as connection:
        connection.execute("UPDATE keys SET prefix = ?", (first[:12],))
    connection.close()

    assert store.verify(first).roles == {"analyst"}
    assert refusal(store, second).code is ErrorCode.UNAUTHORIZED


def test_a_certificate_acts_as_the_key_it_is_bound_to(store: KeyStore) -> None:
    secret = store.create(roles=["analyst"], agent_id="etl", certificate_cn="etl.example.com")

    assert store.verify_certificate("etl.example.com").agent_id == "etl"
    store.revoke(secret[:12])
    with pytest.raises(QueryRefused, match="UNAUTHORIZED"):
        store.verify_certificate("etl.example.com")


@pytest.mark.parametrize("common_name", ["", "stranger", "\udc80"])
def test_refuses_a_certificate_that_no_key_names(store: KeyStore, common_name: str) -> None:
    store.create(roles=["analyst"])

    with pytest.raises(QueryRefused, match="UNAUTHORIZED"):
        store.verify_certificate(common_name)


def test_binds_a_certificate_to_one_active_key_only(store: KeyStore) -> None:
    first = store.create(roles=["analyst"], certificate_cn="etl")

    with pytest.raises(ValueError, match="another active key"):
        store.create(roles=["admin"], certificate_cn="etl")
    store.revoke(first[:12])
    store.create(roles=["admin"], certificate_cn="etl")
    assert store.verify_certificate("etl").roles == {"admin"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"roles": []},
        {"roles": [""]},
        {"roles": ["a\nb"]},
        {"roles": ["admin"], "agent_id": "x" * 129},
        {"roles": ["admin"], "framework": ""},
        {"roles": ["admin"], "attributes": {"a": "b\x00"}},
        {"roles": ["admin"], "expires_in": dt.timedelta(0)},
    ],
)
def test_refuses_names_that_nothing_could_show(store: KeyStore, arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"valid|role|past"):
        store.create(**arguments)  # type: ignore[arg-type]  # deliberately of every kind


def test_does_not_hash_a_new_key_once_for_each_of_a_burst_of_queries(store: KeyStore) -> None:
    other, secret = store.create(roles=["admin"]), store.create(roles=["admin"])
    started = time.perf_counter()
    store.verify(other)
    one_hash = time.perf_counter() - started
    threads = [threading.Thread(target=store.verify, args=(secret,)) for _ in range(64)]
    started = time.perf_counter()

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert time.perf_counter() - started < max(0.3, 20 * one_hash)


def test_opens_the_same_new_file_from_many_processes_at_once(tmp_path: Path) -> None:
    create = (
        "import sys, pathlib; from flight_server.stores.keys import KeyStore; "
        "store = KeyStore.open(pathlib.Path(sys.argv[1])); print(store.create(roles=['admin']))"
    )
    command = [sys.executable, "-c", create, str(tmp_path / "keys.db")]

    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    made = [process.communicate()[0].strip() for process in running]

    store = KeyStore.open(tmp_path / "keys.db")
    assert {store.verify(secret).prefix for secret in made} == {secret[:12] for secret in made}
    store.close()
