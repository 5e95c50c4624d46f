"""The files of an audit log: their names, their head, their lock, and the space kept in reserve."""

from __future__ import annotations

import fcntl
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flight_server.stores.audit_entry import GENESIS

_NAME: Final = re.compile(r"audit-(\d{8})\.jsonl")
_HEAD_NAME: Final = "head.json"
_LOCK_NAME: Final = "lock"
_RESERVE_NAME: Final = "reserve"


class AuditLogInUse(Exception):
    """Another process writes this audit log."""


@dataclass(frozen=True, slots=True)
class Place:
    """The end of a chain: the number and hash of its last record."""

    seq: int = 0
    hash: str = GENESIS


def log_files(directory: Path) -> list[Path]:
    """Return the files of the log in their order."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))


def log_file(directory: Path, number: int) -> Path:
    """Return the path of the file with this number; the first is 1."""
    return directory / f"audit-{number:08d}.jsonl"


def file_number(path: Path) -> int:
    """Return the number in the name of a log file."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"not an audit file: {path.name}")
    return int(match[1])


def open_for_append(path: Path) -> int:
    """Open *path* so that every write lands at its end, and make its name durable."""
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    sync_directory(path.parent)
    return descriptor


def sync_directory(directory: Path) -> None:
    """Make the names in *directory* durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_head(directory: Path) -> Place | None:
    """Return what head.json says was the last record, or None without a readable head.json."""
    try:
        head = json.loads((directory / _HEAD_NAME).read_bytes())
        return Place(int(head["seq"]), str(head["entry_hash"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_head(directory: Path, place: Place, *, durable: bool) -> None:
    """Replace head.json atomically."""
    draft = directory / f"{_HEAD_NAME}.new"
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps({"seq": place.seq, "entry_hash": place.hash}).encode() + b"\n")
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(directory / _HEAD_NAME)


def lock(directory: Path) -> int:
    """Take the log for this process until the returned descriptor is closed.

    Raises:
        AuditLogInUse: Another process has it.
    """
    descriptor = os.open(directory / _LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        os.close(descriptor)
        raise AuditLogInUse(f"another process writes the audit log in {directory}") from fault
    return descriptor


def keep_reserve(directory: Path, size: int) -> None:
    """Occupy *size* bytes of the disk, to be given up when there is no other space left.

    Raises:
        OSError: There is not so much space.
    """
    path = directory / _RESERVE_NAME
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if size and os.fstat(descriptor).st_size < size:
            os.posix_fallocate(descriptor, 0, size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def give_up_reserve(directory: Path) -> None:
    """Free the space that `keep_reserve` occupies."""
    (directory / _RESERVE_NAME).unlink(missing_ok=True)
