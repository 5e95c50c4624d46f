"""`hati stop`: ends the background service of a home and waits until it is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import click

from hatidata_agent.cli.exits import Failure
from hatidata_agent.cli.options import examples, home_option, settings_of
from hatidata_agent.service.home import Home
from hatidata_agent.service.instance import serving_pid, wait_until_gone

_MARGIN_SECS = 15.0
_KILL_SECS = 10.0


@click.command(epilog=examples("hati stop", "hati stop --now"))
@home_option
@click.option("--now", is_flag=True, help="Interrupt running queries instead of letting them finish.")
def command(home: Path, now: bool) -> None:
    """Stop the service of this home and wait until it is gone."""
    run = Home(home).run
    pid = serving_pid(run)
    if pid is None:
        print("HatiData is not running.")
        return
    grace = settings_of(home).drain_grace_secs
    os.kill(pid, signal.SIGTERM)
    if now:
        _insist(run, pid)
    if not wait_until_gone(run, 2 * grace + _MARGIN_SECS):
        raise Failure(f"the service (pid {pid}) does not end: try `hati stop --now`")
    print("HatiData stopped.")


def _insist(run: Path, pid: int) -> None:
    """Send the second signal, which ends everything at once."""
    if not wait_until_gone(run, 0.2) and serving_pid(run) == pid:
        os.kill(pid, signal.SIGTERM)
    wait_until_gone(run, _KILL_SECS)
