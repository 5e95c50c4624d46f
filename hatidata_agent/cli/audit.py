"""`hati audit`: check the chain of the audit log, and follow it, whether or not the service runs."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hatidata_agent.cli.exits import CONFIGURATION, USAGE, Failure
from hatidata_agent.cli.options import examples, home_option

if TYPE_CHECKING:
    from flight_server.stores.audit_files import Place
    from flight_server.stores.audit_verify import Verification

_LOOK_EVERY_SECONDS = 0.2


@click.group(name="audit")
def command() -> None:
    """Verify and follow the audit log."""


@command.command(
    epilog=examples(
        "hati audit verify", "hati audit verify --json", "hati audit verify --expect 1042:9f2c..."
    )
)
@home_option
@click.option("--expect", metavar="SEQ:HASH", help="A record noted earlier that the log must contain.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(home: Path, expect: str | None, as_json: bool) -> int:
    """Check that no record is changed, missing or out of order.

    Exit code 0: whole. 1: broken; the first broken line is named. The last record's number and
    hash are printed: noted elsewhere, they prove later (--expect) that nobody wrote the log anew.
    """
    from flight_server.stores.audit_verify import verify as verify_log

    result = verify_log(_directory(home), expected=_place(expect) if expect else None)
    if as_json:
        print(json.dumps(_as_json(result)))
    else:
        _print_result(result)
    return 0 if result.ok else 1


@command.command(
    epilog=examples("hati audit tail", "hati audit tail -n 100 --no-follow --json | jq .sql_redacted")
)
@home_option
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How many records to start with.",
)
@click.option("--follow/--no-follow", default=True, help="Wait for new records (the default), or end.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as they are in the log.")
def tail(home: Path, lines: int, follow: bool, as_json: bool) -> None:
    """Print the last records and, until interrupted, every new one."""
    directory = _directory(home)
    show = _print_as_is if as_json else _print_short
    for line in _records(directory, lines, follow):
        show(line)


def _directory(home: Path) -> Path:
    if not home.is_dir():
        raise Failure(f"{home} does not exist: create it with `hati init`", CONFIGURATION)
    return home / "audit"


def _place(text: str) -> Place:
    from flight_server.stores.audit_files import Place

    found = re.fullmatch(r"(\d+):([0-9a-f]{64})", text)
    if found is None:
        raise Failure(f"--expect wants NUMBER:HASH as `hati audit verify` prints them, not {text!r}", USAGE)
    return Place(int(found[1]), found[2])


def _as_json(result: Verification) -> dict[str, object]:
    broken = result.broken
    return {
        "ok": result.ok,
        "files": result.files,
        "records": result.records,
        "last_hash": result.last_hash,
        "broken": None if broken is None else {"file": broken.file, "line": broken.line, "why": broken.why},
        "notices": list(result.notices),
    }


def _print_result(result: Verification) -> None:
    for notice in result.notices:
        print(f"Note: {notice}")
    if result.broken is None:
        print(f"The chain is whole: {result.records} records in {result.files} files.")
        print(f"Last record: {result.records}:{result.last_hash}")
        return
    broken = result.broken
    place = f"{broken.file}, line {broken.line}" if broken.line else broken.file
    print(f"THE CHAIN IS BROKEN at {place}: {broken.why}.")
    print(f"Records 1 to {result.records} are whole.")


def _records(directory: Path, count: int, follow: bool) -> Iterator[bytes]:
    """Yield the last *count* lines of the log and then, if *follow*, each line as it comes."""
    from flight_server.stores.audit_files import log_files

    files = log_files(directory)
    recent, offset = _last_lines(files, count)
    yield from recent
    current = files[-1] if files else None
    while follow:
        time.sleep(_LOOK_EVERY_SECONDS)
        for path in log_files(directory):
            if current is None or path.name >= current.name:
                lines, offset = _lines_from(path, offset if path == current else 0)
                current = path
                yield from lines


def _last_lines(files: list[Path], count: int) -> tuple[list[bytes], int]:
    """Return the last *count* lines of the log, and the length of its last file."""
    recent: deque[bytes] = deque()
    for path in reversed(files):
        lines, _ = _lines_from(path, 0)
        recent.extendleft(reversed(lines[-(count - len(recent)) :]))
        if len(recent) >= count:
            break
    return list(recent), (_lines_from(files[-1], 0)[1] if files else 0)


def _lines_from(path: Path, offset: int) -> tuple[list[bytes], int]:
    """Return the whole lines of *path* from *offset* on, and where the next one will start."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    end = data.rfind(b"\n") + 1
    return data[:end].splitlines(), offset + end


def _print_as_is(line: bytes) -> None:
    print(line.decode(), flush=True)


def _print_short(line: bytes) -> None:
    try:
        record = json.loads(line)
    except ValueError:
        print(f"(not a record) {line!r}", flush=True)
        return
    print(_recovery(record) if record["event"] == "recovery" else _query(record), flush=True)


def _query(record: dict[str, Any]) -> str:
    who = f"{record['agent_id'] or '-'} ({record['key_prefix'] or 'no key'})"
    what = _on_one_line(record["sql_redacted"])[:100]
    cost = f"{record['rows']} rows, {record['duration_ms']:.1f} ms, {record['credits']:g} credits"
    return f"{record['timestamp']}  {record['outcome']:16} {record['protocol']:6} {who}  {what}  [{cost}]"


def _on_one_line(sql: str) -> str:
    """Return *sql* without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(sql.split()))


def _recovery(record: dict[str, Any]) -> str:
    return f"{record['timestamp']}  RECOVERY         {record['reason']} ({record['file']})"
