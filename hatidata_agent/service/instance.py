"""Which process serves a HOME: held by a lock, so that a pid file can never lie.

The supervisor keeps HOME/run/serve.lock locked while it lives and writes its
pid there. The kernel drops the lock with the process; a pid left behind by a
crash, or one that another program got since, is never believed.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

_PROBE_CLASH_SECS = 0.5
_POLL_SECS = 0.05


class AlreadyServedError(Exception):
    """Another process serves this HOME."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__(f"a service is already running for this home (pid {pid})")


class Instance:
    """The right to serve a HOME, held until `close`.

    Raises:
        AlreadyServedError: Another process holds it.
        OSError: HOME/run cannot be written.
    """

    def __init__(self, run: Path) -> None:
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(run / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _locked_within(self._file, _PROBE_CLASH_SECS):
            pid = _pid_in(self._file)
            os.close(self._file)
            raise AlreadyServedError(pid)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process serve this HOME."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def serving_pid(run: Path) -> int | None:
    """Return the pid of the process that serves this HOME now, or None."""
    try:
        file = os.open(run / "serve.lock", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(file)
    finally:
        os.close(file)
    return None


def wait_until_gone(run: Path, seconds: float) -> bool:
    """Wait until nobody serves this HOME; return False if that takes longer than *seconds*."""
    end = time.monotonic() + seconds
    while serving_pid(run) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECS)
    return True


def _locked_within(file: int, seconds: float) -> bool:
    """Take the lock; `serving_pid` of another process may hold it for an instant."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_SECS)
        else:
            return True


def _pid_in(file: int) -> int:
    """Return the pid in the file; its holder writes it just after it took the lock."""
    end = time.monotonic() + _PROBE_CLASH_SECS
    while not (text := os.pread(file, 32, 0)):
        if time.monotonic() > end:
            return 0
        time.sleep(_POLL_SECS)
    return int(text)
