"""What a key looks like, how one is made, and how it is hashed.

The last six characters are a checksum over the others. It protects nothing: it lets
the audit log tell a key that some installation issued from one that somebody made up,
and lets secret scanners recognise a leaked key without asking a server.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from typing import Final, Literal

import argon2

Environment = Literal["live", "test", "agent"]

KEY_LENGTH: Final = 40
PREFIX_LENGTH: Final = 12
HEADS: Final[dict[Environment, str]] = {"live": "hd_live_", "test": "hd_test_", "agent": "hd_agent_"}

_ALPHABET: Final = string.ascii_letters + string.digits
_CHECKSUM_LENGTH: Final = 6
_SHAPE: Final = re.compile(r"(?:hd_live_|hd_test_|hd_agent_)[A-Za-z0-9]+", re.ASCII)
_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_DUMMY_HASH: Final = _HASHER.hash(secrets.token_hex(20))


def generate(environment: Environment) -> str:
    """Make a new key of exactly 40 characters."""
    head = HEADS[environment]
    length = KEY_LENGTH - len(head) - _CHECKSUM_LENGTH
    body = head + "".join(secrets.choice(_ALPHABET) for _ in range(length))
    return body + _checksum(body)


def is_well_formed(secret: str) -> bool:
    """Whether *secret* has the length, the head and the alphabet of a key."""
    return len(secret) == KEY_LENGTH and _SHAPE.fullmatch(secret) is not None


def was_issued_somewhere(secret: str) -> bool:
    """Whether the checksum says that some installation made this well-formed *secret*."""
    body, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return secrets.compare_digest(checksum, _checksum(body))


def shown_prefix(secret: str) -> str:
    """Return what may be shown of *secret*: its first 12 characters, or nothing if it is not a key.

    What is not a key may be somebody's password in the wrong place.
    """
    return secret[:PREFIX_LENGTH] if is_well_formed(secret) else ""


def hash_secret(secret: str) -> str:
    """Hash *secret* with argon2id and a salt of its own."""
    return _HASHER.hash(secret)


def matches(stored_hash: str, secret: str) -> bool:
    """Whether *secret* is the one behind *stored_hash*; costs some 25 ms and 19 MiB."""
    try:
        return _HASHER.verify(stored_hash, secret)
    except argon2.exceptions.VerificationError:
        return False


def pretend_to_match() -> None:
    """Spend what `matches` spends, so that an unknown key takes as long as a known one."""
    matches(_DUMMY_HASH, "")


def _checksum(body: str) -> str:
    number = int.from_bytes(hashlib.blake2b(body.encode(), digest_size=8, person=b"hatidata-key").digest())
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)
