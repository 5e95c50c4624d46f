"""HOME/logs/serve.log and the files before it, which together stay within a size.

Both processes of a service and their supervisor write to one file that they inherited open, so that
it cannot be renamed under them: it is copied and emptied, and whoever appends goes on at its beginning.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

KEPT: Final = 3
"""Files before the one that is being written: serve.log.1 is the youngest."""
LOOK_SECS: Final = 2.0


def make_room(log: Path) -> Path:
    """Give each file before *log* the next number, drop the last, and return the name that is free now."""
    for number in range(KEPT, 1, -1):
        younger = _before(log, number - 1)
        if younger.exists():
            younger.replace(_before(log, number))
    return _before(log, 1)


async def keep_short(log: Path, most_bytes: int) -> None:
    """Begin *log* anew whenever it is longer than *most_bytes*, for as long as this process writes to it.

    Args:
        log: The file; nothing is done unless standard error appends to it.
        most_bytes: 0 lets it grow.
    """
    if not most_bytes or not _is_written_here(log):
        return
    while True:
        with suppress(OSError):  # a full disk, a file that somebody moves: the next look may succeed
            await asyncio.to_thread(_shorten, log, most_bytes)
        await asyncio.sleep(LOOK_SECS)


def _shorten(log: Path, most_bytes: int) -> None:
    """Copy *log* and empty it if it is too long; what comes while it is copied is copied, too."""
    if log.stat().st_size <= most_bytes:
        return
    with log.open("rb") as source, make_room(log).open("wb") as copy:
        os.fchmod(copy.fileno(), os.fstat(source.fileno()).st_mode)
        shutil.copyfileobj(source, copy, 1 << 20)
        while rest := source.read():
            copy.write(rest)
        os.truncate(log, 0)


def _is_written_here(log: Path) -> bool:
    """Tell whether standard error appends to *log*: a writer with a place of its own would leave a hole."""
    try:
        descriptor = sys.stderr.fileno()
        appends = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
        return bool(appends) and os.path.samestat(os.fstat(descriptor), log.stat())
    except (OSError, ValueError):
        return False


def _before(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
