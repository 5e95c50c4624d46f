"""One program that is kept alive: started again when it dies, with growing pauses.

The child gets its own process group, so that Ctrl-C on a terminal reaches the
supervisor alone, which then stops things in the right order; and it is told to
end when the supervisor dies without having had the chance to stop it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Protocol

CONFIGURATION_FAULT = 78
"""The exit code (sysexits: EX_CONFIG) of a child for which a restart would change nothing."""

_FIRST_PAUSE_SECS = 0.1
_LONGEST_PAUSE_SECS = 10.0
_STEADY_SECS = 30.0
_PR_SET_PDEATHSIG = 1


class Log(Protocol):
    """Where the supervisor says what happens."""

    def __call__(self, event: str, **fields: object) -> None:
        """Write one line."""


class BadConfigurationError(Exception):
    """A child says that its configuration is wrong; it has printed why."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} refused its configuration (its own line above says why)")


class Child:
    """A program and the process that runs it now.

    Args:
        name: For the log.
        command: Called at every start, so that a restart can name the port the child had.
        log: Where starts and deaths are reported.
    """

    def __init__(self, name: str, command: Callable[[], Sequence[str]], log: Log) -> None:
        self.name = name
        self._command = command
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The pid of the process that runs now."""
        return self._process.pid if self._process is not None else None

    async def keep_alive(self) -> None:
        """Run the program until `stop`, starting it again whenever it ends.

        Raises:
            BadConfigurationError: It ended because of its configuration.
        """
        pause = _FIRST_PAUSE_SECS
        while not self._stopping:
            started = time.monotonic()
            code = await self._run_once()
            if self._stopping:
                return
            if code == CONFIGURATION_FAULT:
                raise BadConfigurationError(self.name)
            pause = _FIRST_PAUSE_SECS if time.monotonic() - started > _STEADY_SECS else pause
            self._log("child ended, starting it again", child=self.name, code=code, pause_secs=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECS)

    async def stop(self, grace_secs: float) -> None:
        """Ask the process to end, and end it after *grace_secs* if it has not."""
        self._stopping = True
        if self._process is None or self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_secs)
        except TimeoutError:
            self._log("child did not end in time", child=self.name, grace_secs=grace_secs)
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Pass a signal on to the process, if it runs."""
        self._signal(number)

    async def _run_once(self) -> int:
        command = self._command()
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, process_group=0, preexec_fn=_END_WITH_PARENT
        )
        self._log("child started", child=self.name, pid=self._process.pid)
        return await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def _end_with_parent() -> Callable[[], None] | None:
    """Return what a new process does to receive SIGTERM when its parent dies; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_END_WITH_PARENT = _end_with_parent()
