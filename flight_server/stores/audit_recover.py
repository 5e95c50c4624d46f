"""Finds the end of an audit log when it is opened, and moves aside what a power failure left there.

Nothing is repaired silently: what is moved aside stays in a file of its own, and the
chain goes on with a `recovery` record that names it and its SHA-256.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from flight_server.stores.audit_entry import GENESIS, RecoveryEntry, has_right_hash, place_of, utc
from flight_server.stores.audit_files import (
    Place,
    file_number,
    log_file,
    log_files,
    read_head,
    sync_directory,
)


@dataclass(frozen=True, slots=True)
class Found:
    """Where an opened log goes on.

    Attributes:
        number: Number of the file to append to.
        offset: Its length.
        recoveries: What has to be recorded first.
    """

    place: Place
    number: int
    offset: int
    recoveries: tuple[RecoveryEntry, ...]


def recover(directory: Path, now: float) -> Found:
    """Find the last good record of the log in *directory*; what follows it is moved aside.

    Raises:
        OSError: The log cannot be read, or what has to be moved aside cannot be written.
    """
    files = log_files(directory)
    if not files:
        return _with_head(directory, Found(Place(), 1, 0, ()), now)
    last = files[-1]
    data = last.read_bytes()
    length = _good_length(data)
    moved = () if length == len(data) else (_quarantine(last, data, length, now),)
    place = _last_place(data[:length]) or _end_of(files[:-1])
    return _with_head(directory, Found(place, file_number(last), length, moved), now)


def _good_length(data: bytes) -> int:
    """Return how many bytes end with a whole record; going back, only damaged ends are passed over."""
    end = data.rfind(b"\n") + 1
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        if has_right_hash(data[start : end - 1]):
            return end
        end = start
    return 0


def _last_place(data: bytes) -> Place | None:
    if not data:
        return None
    start = data.rfind(b"\n", 0, len(data) - 1) + 1
    return Place(*place_of(data[start:-1]))


def _end_of(files: list[Path]) -> Place:
    for path in reversed(files):
        data = path.read_bytes()
        place = _last_place(data[: _good_length(data)])
        if place is not None:
            return place
    return Place(0, GENESIS)


def _quarantine(path: Path, data: bytes, length: int, now: float) -> RecoveryEntry:
    torn = data[length:]
    aside = path.with_name(f"torn-{path.stem}-{length}.bin")
    aside.write_bytes(torn)
    aside.chmod(0o600)
    with aside.open("rb") as written:
        os.fsync(written.fileno())
    os.truncate(path, length)
    sync_directory(path.parent)
    return RecoveryEntry(
        timestamp=utc(now),
        reason="the end of the file was not a whole record",
        file=path.name,
        offset=length,
        bytes=len(torn),
        sha256=hashlib.sha256(torn).hexdigest(),
        quarantine=aside.name,
    )


def _with_head(directory: Path, found: Found, now: float) -> Found:
    """Add what head.json knows to have existed and the log no longer holds."""
    head = read_head(directory)
    if head is None or head.seq <= found.place.seq:
        return found
    lost = RecoveryEntry(
        timestamp=utc(now),
        reason="records that head.json names are missing",
        file=log_file(directory, found.number).name,
        lost_from=found.place.seq + 1,
        lost_to=head.seq,
    )
    return Found(found.place, found.number, found.offset, (*found.recoveries, lost))
