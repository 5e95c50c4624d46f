"""Checks an audit log from its first byte to its last; it needs no lock and may run beside the server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flight_server.stores.audit_entry import line_fault, place_of
from flight_server.stores.audit_files import Place, file_number, log_files, read_head

_PATIENCE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a log is not what was written; `line` counts from 1, 0 is the whole file."""

    file: str
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found.

    Attributes:
        records: How many records are right, from the first on.
        last_hash: The hash of the last of them; compare it with one kept elsewhere.
        broken: The first fault, or None.
        notices: What was moved aside after a power failure, told by the log itself.
    """

    files: int
    records: int
    last_hash: str
    broken: Broken | None = None
    notices: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is changed, missing or reordered."""
        return self.broken is None


@dataclass(slots=True)
class _Walk:
    """How far a verification has come."""

    place: Place = field(default_factory=Place)
    files: int = 0
    notices: list[str] = field(default_factory=list)
    known: dict[int, str] = field(default_factory=dict)

    def result(self, broken: Broken | None) -> Verification:
        return Verification(self.files, self.place.seq, self.place.hash, broken, tuple(self.notices))


def verify(directory: Path, *, expected: Place | None = None) -> Verification:
    """Check every record of the log in *directory* against the one before it and against head.json.

    Args:
        expected: A record noted elsewhere that the log must contain; it also reveals a log that
            somebody wrote anew from the start.
    """
    head = read_head(directory)
    anchors = [anchor for anchor in (head, expected) if anchor is not None and anchor.seq]
    walk = _Walk(known={anchor.seq: anchor.hash for anchor in anchors})
    files = log_files(directory)
    for number, path in enumerate(files, start=1):
        broken = _check_file(path, number, walk, is_last=number == len(files))
        if broken is not None:
            return walk.result(broken)
    if files and head is None:
        return walk.result(Broken("head.json", 0, "head.json is missing or unreadable"))
    return walk.result(_check_anchors(files, anchors, walk))


def _check_file(path: Path, number: int, walk: _Walk, *, is_last: bool) -> Broken | None:
    if file_number(path) != number:
        return Broken(path.name, 0, f"file number {number} is missing")
    walk.files += 1
    for position, line in enumerate(_lines(path, is_last=is_last), start=1):
        why = _line_fault(line, walk)
        if why:
            return Broken(path.name, position, why)
    return None


def _line_fault(line: bytes, walk: _Walk) -> str:
    if not line.endswith(b"\n"):
        return "the record is cut off"
    why = line_fault(line[:-1], walk.place.seq + 1, walk.place.hash)
    if why:
        return why
    walk.place = Place(*place_of(line))
    if walk.known.get(walk.place.seq, walk.place.hash) != walk.place.hash:
        return f"record {walk.place.seq} is not the one that was noted: the log was written anew"
    return _recovery_fault(line, walk)


def _recovery_fault(line: bytes, walk: _Walk) -> str:
    if b'"event":"recovery"' not in line:
        return ""
    record = json.loads(line)
    if record["event"] != "recovery":
        return ""
    if record["lost_to"]:
        return f"records {record['lost_from']} to {record['lost_to']} were missing when the log was opened"
    walk.notices.append(
        f"{record['timestamp']}: {record['bytes']} bytes at the end of {record['file']} were moved to "
        f"{record['quarantine']}: {record['reason']}"
    )
    return ""


def _check_anchors(files: list[Path], anchors: list[Place], walk: _Walk) -> Broken | None:
    for anchor in anchors:
        if anchor.seq > walk.place.seq:
            name = files[-1].name if files else "audit-00000001.jsonl"
            return Broken(name, 0, f"records {walk.place.seq + 1} to {anchor.seq} are missing at the end")
    return None


def _lines(path: Path, *, is_last: bool) -> Iterator[bytes]:
    """Yield the lines of *path*; a running server gets a moment to finish the last one."""
    give_up = time.monotonic() + (_PATIENCE_SECONDS if is_last else 0.0)
    with path.open("rb") as file:
        line = file.readline()
        while line:
            while not line.endswith(b"\n") and time.monotonic() < give_up:
                time.sleep(0.01)
                line += file.readline()
            yield line
            line = file.readline()
