"""`hati init`: a new home, and a service that answers from it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click

from hatidata_agent.cli.exits import CONFIGURATION, NO_SERVICE, Failure
from hatidata_agent.cli.options import examples, home_option, settings_of
from hatidata_agent.service.endpoints import Endpoints, port_of, read_endpoints
from hatidata_agent.service.home import Home, create_home
from hatidata_agent.service.instance import serving_pid
from hatidata_agent.service.log_files import make_room
from hatidata_settings import Settings

_START_SECS = 60.0
_POLL_SECS = 0.05
_MOST_LINES = 20


@click.command(epilog=examples("hati init", "hati init --demo", "hati --home /srv/hati init --no-start"))
@home_option
@click.option("--no-start", is_flag=True, help="Do not start the service.")
@click.option("--demo", is_flag=True, help="Fill the warehouse with sample tables.")
def command(home: Path, no_start: bool, demo: bool) -> None:
    """Create a home for data and policies, and start the service in the background.

    Run again, it changes nothing that is there, and starts the service if it is not running.
    """
    new = create_home(home, demo=demo)
    settings = settings_of(home)
    if demo:
        _fill_with_demo(settings)
    endpoints = None if no_start else _running(settings)
    print("HatiData initialized successfully." if new else f"HatiData is already initialized in {home}.")
    if endpoints is None:
        click.echo("Start the service with: hati serve", err=True)
    else:
        print(f"Proxy running on localhost:{port_of(endpoints.http)}")


def _fill_with_demo(settings: Settings) -> None:
    """Create the demo tables in a process of its own, unless this was done before.

    Raises:
        Failure: The warehouse is in memory, or in use.
    """
    home = Home(settings.home)
    if home.demo_mark.exists():
        return
    if settings.database == ":memory:":
        raise Failure("--demo needs a warehouse in a file, and duckdb_path is :memory:", CONFIGURATION)
    if serving_pid(home.run) is not None:
        raise Failure("--demo needs the service stopped: run `hati stop` first")
    done = subprocess.run(
        [sys.executable, "-m", "hatidata_agent.service.demo", settings.database],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        home.demo_mark.touch()
    elif done.returncode == 3:
        click.echo("The demo tables were left out: the warehouse has tables of these names.", err=True)
    else:
        raise Failure(f"the demo data could not be written: {done.stderr.strip()}")


def _running(settings: Settings) -> Endpoints:
    """Return the addresses of the service, started in the background if it is not running.

    Raises:
        Failure: It does not answer; its log says why.
    """
    home = Home(settings.home)
    if serving_pid(home.run) is not None or not _ports_are_free(settings, home):
        return _wait_until_ready(home, None)
    home.endpoints.unlink(missing_ok=True)
    return _wait_until_ready(home, _start(home))


def _ports_are_free(settings: Settings, home: Home) -> bool:
    """Return False if another `hati init` has just started the service of this home.

    Raises:
        Failure: Somebody else has a port.
    """
    from hatidata_agent.service.ports import port_faults

    faults = list(port_faults(settings))
    if faults and serving_pid(home.run) is None:
        raise Failure("\n".join(faults), CONFIGURATION)
    return not faults


def _start(home: Home) -> subprocess.Popen[bytes]:
    """Start the service with a log that begins anew; those before are kept beside it."""
    home.log.parent.mkdir(mode=0o700, exist_ok=True)
    if home.log.exists():
        home.log.replace(make_room(home.log))
    with home.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "hatidata_agent", "serve", "--home", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_ready(home: Home, started: subprocess.Popen[bytes] | None) -> Endpoints:
    end = time.monotonic() + _START_SECS
    while (endpoints := read_endpoints(home.endpoints)) is None:
        if started is not None and started.poll() is not None and serving_pid(home.run) is None:
            raise Failure(_last_words(home.log), started.returncode or NO_SERVICE)
        if time.monotonic() > end:
            if started is not None:
                started.terminate()
            raise Failure(
                f"the service does not answer after {_START_SECS:.0f} s: see {home.log}", NO_SERVICE
            )
        time.sleep(_POLL_SECS)
    return endpoints


def _last_words(log: Path) -> str:
    """Return what the service said when it refused to start: the lines that are for people."""
    lines = (line.removeprefix("hati: ").rstrip() for line in log.read_text(errors="replace").splitlines())
    plain = [line for line in lines if line and not line.startswith("{")]
    return "\n".join(plain[:_MOST_LINES]) or f"the service ended at once: see {log}"
