"""The keys of an installation, in HOME/keys.db, shared by the server and the `hati keys` command.

A reader would get this wrong: the store never holds a key, only its argon2id hash, its
first 12 characters, and a 32-bit tag (keyed BLAKE2b) that makes the lookup exact. The
tag is keyed with a random value of this installation and reveals 32 of the key's ~150 bits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores import keys_secret
from flight_server.stores.background import Ticker
from flight_server.stores.keys_record import (
    COLUMNS,
    KeyRecord,
    StoredKey,
    check_names,
    is_printable_name,
    stored_key,
)
from flight_server.stores.keys_secret import Environment
from flight_server.stores.sqlite_file import connect

POLL_SECONDS: Final = 0.5
FLUSH_SECONDS: Final = 5.0
HASHES_AT_ONCE: Final = 2

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS installation (id INTEGER PRIMARY KEY CHECK (id = 1), tag_key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    prefix TEXT NOT NULL,
    tag BLOB NOT NULL,
    hash TEXT NOT NULL,
    roles TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    framework TEXT NOT NULL,
    attributes TEXT NOT NULL,
    environment TEXT NOT NULL,
    allow_agent_override INTEGER NOT NULL,
    certificate_cn TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL,
    last_used_at REAL
);
CREATE INDEX IF NOT EXISTS keys_by_prefix ON keys (prefix, tag);
CREATE UNIQUE INDEX IF NOT EXISTS keys_by_certificate ON keys (certificate_cn)
    WHERE certificate_cn <> '' AND revoked_at IS NULL;
"""


class KeyStore:
    """Creates, lists, revokes and verifies keys; safe for many threads and several processes.

    Args:
        connection: An open connection to a prepared keys.db; `open` makes one.
        clock: Seconds since the epoch.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.RLock()
        self._hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._tag_key: bytes = connection.execute("SELECT tag_key FROM installation").fetchone()[0]
        self._cache_key = secrets.token_bytes(32)
        self._verified: dict[bytes, StoredKey] = {}
        self._used: dict[int, float] = {}
        self._version = self._data_version()
        self._next_poll = 0.0
        self._flusher: Ticker | None = None

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float] = time.time) -> Self:
        """Open the store at *path*, creating it readable by its owner alone."""
        connection = connect(path, _SCHEMA)
        connection.execute("INSERT OR IGNORE INTO installation VALUES (1, ?)", (secrets.token_bytes(32),))
        return cls(connection, clock)

    def create(
        self,
        *,
        roles: Sequence[str],
        agent_id: str = "",
        framework: str = "custom",
        attributes: Mapping[str, str] = MappingProxyType({}),
        expires_in: dt.timedelta | None = None,
        allow_agent_override: bool = False,
        environment: Environment = "live",
        certificate_cn: str = "",
    ) -> str:
        """Create a key and return it; it can never be read again.

        Args:
            roles: At least one role; an override of the agent never changes them.
            agent_id: Empty makes one up: `agent-` and 8 hex digits.
            attributes: What policies may look at, by name.
            expires_in: From now; None never expires.
            certificate_cn: The common name of a client certificate that acts as this key.

        Raises:
            ValueError: A name is empty or not printable, the expiry lies in the past, or another
                active key has the certificate.
        """
        agent = agent_id or f"agent-{secrets.token_hex(4)}"
        check_names(
            roles=roles, agent_id=agent, framework=framework, attributes=attributes, cn=certificate_cn
        )
        now = self._clock()
        expires_at = self._expiry(now, expires_in)
        secret = self._fresh_secret(environment)
        values = (
            secret[: keys_secret.PREFIX_LENGTH], self._tag(secret), keys_secret.hash_secret(secret),
            json.dumps(list(dict.fromkeys(roles))), agent, framework, json.dumps(dict(attributes)),
            environment, allow_agent_override, certificate_cn, now, expires_at, None, None,
        )  # fmt: skip
        self._insert(values)
        return secret

    def list(self) -> list[KeyRecord]:
        """Return every key ever created, oldest first, revoked and expired ones too."""
        with self._lock:
            rows = self._connection.execute(f"SELECT {COLUMNS} FROM keys ORDER BY id").fetchall()
        return [stored_key(row).record for row in rows]

    def revoke(self, prefix: str) -> int:
        """Revoke the active keys that start with the 12 characters of *prefix*; return how many."""
        if len(prefix) < keys_secret.PREFIX_LENGTH:
            return 0
        with self._lock:
            changed = self._connection.execute(
                "UPDATE keys SET revoked_at = ? WHERE prefix = ? AND revoked_at IS NULL",
                (self._clock(), prefix[: keys_secret.PREFIX_LENGTH]),
            ).rowcount
            self._reload()
        return changed

    def cached(self, secret: str) -> KeyRecord | None:
        """Return the record of a key that was verified before and is still good, without hashing."""
        self._poll()
        stored = self._verified.get(self._digest(secret))
        return self._used_now(stored) if stored is not None and self._is_good(stored) else None

    def verify(self, secret: str) -> KeyRecord:
        """Return the record of *secret*; costs one argon2 hash unless it was verified before.

        Raises:
            QueryRefused: UNAUTHORIZED, the same for every reason; only `detail` names the reason.
        """
        return self.cached(secret) or self._verify_slowly(secret)

    def verify_certificate(self, common_name: str) -> KeyRecord:
        """Return the record bound to a certificate whose possession TLS has proved.

        Raises:
            QueryRefused: UNAUTHORIZED: no active key has this common name.
        """
        self._poll()
        place = b"cn:" + common_name.encode("utf-8", "surrogatepass")
        stored = self._verified.get(place)
        if stored is None or not self._is_good(stored):
            stored = self._remember(place, self._by_certificate(common_name))
        return self._used_now(stored)

    def cached_keys(self) -> int:
        """Return how many verified keys are in memory."""
        return len(self._verified)

    def close(self) -> None:
        """Write what is still unwritten of the last uses, and close; harmless when repeated."""
        if self._flusher is not None:
            self._flusher.close()
        with self._lock:
            self._connection.close()

    def _verify_slowly(self, secret: str) -> KeyRecord:
        candidate = self._candidate(secret)
        place = self._digest(secret)
        with self._hashing:
            agrees = place in self._verified or self._hash_agrees(candidate, secret)
        if not agrees:
            raise _unauthorized(self._reason_unknown(secret))
        return self._used_now(self._remember(place, candidate))

    def _hash_agrees(self, candidate: StoredKey | None, secret: str) -> bool:
        if candidate is None:
            keys_secret.pretend_to_match()
            return False
        return keys_secret.matches(candidate.hash, secret)

    def _candidate(self, secret: str) -> StoredKey | None:
        if not keys_secret.is_well_formed(secret):
            return None
        prefix = secret[: keys_secret.PREFIX_LENGTH]
        return self._select("prefix = ? AND tag = ?", prefix, self._tag(secret))

    def _by_certificate(self, common_name: str) -> StoredKey | None:
        if not is_printable_name(common_name):
            return None
        condition = "certificate_cn = ? AND certificate_cn <> '' ORDER BY revoked_at IS NOT NULL, id DESC"
        return self._select(condition, common_name)

    def _select(self, condition: str, *values: object) -> StoredKey | None:
        try:
            with self._lock:
                query = f"SELECT {COLUMNS} FROM keys WHERE {condition} LIMIT 1"
                row = self._connection.execute(query, values).fetchone()
        except sqlite3.Error as fault:
            raise _unreadable(fault) from fault
        return None if row is None else stored_key(row)

    def _remember(self, place: bytes, candidate: StoredKey | None) -> StoredKey:
        """Cache a proven key as it is now: it may have been revoked while it was being hashed."""
        if candidate is None:
            raise _unauthorized("no key is bound to this certificate")
        with self._lock:
            stored = self._select("id = ?", candidate.id)
            if stored is None or not self._is_good(stored):
                raise _unauthorized(_reason_bad(stored))
            self._verified[place] = stored
        return stored

    def _is_good(self, stored: StoredKey) -> bool:
        return stored.revoked_at is None and (stored.expires_at is None or self._clock() < stored.expires_at)

    def _used_now(self, stored: StoredKey) -> KeyRecord:
        if self._flusher is None:
            self._start_flusher()
        self._used[stored.id] = self._clock()
        return stored.record

    def _start_flusher(self) -> None:
        with self._lock:
            if self._flusher is None:
                self._flusher = Ticker("keys-last-used", FLUSH_SECONDS, self._flush_last_used)

    def _flush_last_used(self) -> None:
        used, self._used = self._used, {}
        with self._lock:
            for key_id, when in list(used.items()):
                self._connection.execute("UPDATE keys SET last_used_at = ? WHERE id = ?", (when, key_id))

    def _poll(self) -> None:
        """Notice, at most every half second, what another process did to the keys."""
        now = time.monotonic()
        if now < self._next_poll:
            return
        self._next_poll = now + POLL_SECONDS
        try:
            with self._lock:
                if self._data_version() != self._version:
                    self._reload()
        except sqlite3.Error as fault:
            raise _unreadable(fault) from fault

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _reload(self) -> None:
        with self._lock:
            self._version = self._data_version()
            fresh = {place: self._select("id = ?", stored.id) for place, stored in self._verified.items()}
            self._verified = {
                place: stored for place, stored in fresh.items() if stored and self._is_good(stored)
            }

    def _expiry(self, now: float, expires_in: dt.timedelta | None) -> float | None:
        if expires_in is None:
            return None
        if expires_in <= dt.timedelta(0):
            raise ValueError("the expiry lies in the past")
        return now + expires_in.total_seconds()

    def _fresh_secret(self, environment: Environment) -> str:
        """Make a key whose prefix no other key has, as long as that is likely to succeed."""
        for _ in range(8):
            secret = keys_secret.generate(environment)
            if self._select("prefix = ?", secret[: keys_secret.PREFIX_LENGTH]) is None:
                return secret
        return keys_secret.generate(environment)

    def _insert(self, values: tuple[object, ...]) -> None:
        names = COLUMNS.removeprefix("id, ")
        marks = ", ".join("?" * len(values))
        try:
            with self._lock:
                self._connection.execute(f"INSERT INTO keys ({names}) VALUES ({marks})", values)
        except sqlite3.IntegrityError as fault:
            raise ValueError("another active key has this certificate") from fault

    def _tag(self, secret: str) -> bytes:
        return hashlib.blake2b(secret.encode(), key=self._tag_key, digest_size=4).digest()

    def _digest(self, secret: str) -> bytes:
        data = secret.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, key=self._cache_key, digest_size=16).digest()

    def _reason_unknown(self, secret: str) -> str:
        if not keys_secret.is_well_formed(secret):
            return "malformed key"
        shown = keys_secret.shown_prefix(secret)
        if keys_secret.was_issued_somewhere(secret):
            return f"key {shown} was issued by another installation"
        return f"unknown key {shown}"


def _reason_bad(stored: StoredKey | None) -> str:
    if stored is None:
        return "key was deleted"
    state = "expired" if stored.revoked_at is None else "revoked"
    return f"{state} key {stored.record.prefix}"


def _unauthorized(detail: str) -> QueryRefused:
    return QueryRefused(ErrorCode.UNAUTHORIZED, detail=detail)


def _unreadable(fault: sqlite3.Error) -> QueryRefused:
    return QueryRefused(ErrorCode.SERVICE_UNAVAILABLE, detail=f"keys.db: {fault}", retry_after=1)
