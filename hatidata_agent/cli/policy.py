"""`hati policy`: check, explain, test and reload the policies of a home.

Check, explain and test read the files themselves and need no service; reload
asks the running one and prints what it says.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hatidata_agent.cli.exits import CONFIGURATION, NO_ACCESS, NO_SERVICE, UNEXPECTED, USAGE, Failure
from hatidata_agent.cli.options import examples, home_option, settings_of

if TYPE_CHECKING:
    from flight_server.policy.model import RequestContext
    from flight_server.policy.workbench import Workbench

_RELOAD_SECS = 15.0
_POLL_SECS = 0.05


@click.group(name="policy")
def command() -> None:
    """Check, explain, test and reload the policies in HOME/policies."""


@command.command(epilog=examples("hati policy check", "hati policy check --json | jq -r '.faults[]'"))
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(home: Path, as_json: bool) -> int:
    """Validate the whole set of policies; every fault is named with file and line.

    Exit code 0: usable. 1: faulty.
    """
    from flight_server.policy.faults import PolicyFaults

    try:
        workbench = _opened(home)
    except PolicyFaults as found:
        faults = [str(fault) for fault in found.faults]
        print(json.dumps({"usable": False, "faults": faults}) if as_json else "\n".join(faults))
        return UNEXPECTED
    policies = workbench.policies
    counts = {
        "access rules": len(policies.access.rules),
        "row filters": sum(map(len, policies.filters.values())),
        "masks": sum(map(len, policies.masks.values())),
        "roles with limits": len(policies.limits),
        "tables known": len(workbench.tables),
    }
    if as_json:
        told = {name.replace(" ", "_"): count for name, count in counts.items()}
        print(json.dumps({"usable": True, "faults": [], "version": policies.version, **told}))
    else:
        listed = ", ".join(f"{count} {name}" for name, count in counts.items())
        print(f"policies {policies.version}: {listed}")
    return 0


@command.command(
    epilog=examples(
        "hati policy explain --role analyst 'SELECT email FROM customers'",
        "hati policy explain --role analyst --attr region=EU --protocol mcp 'SELECT * FROM orders'",
    )
)
@home_option
@click.option("--role", "roles", multiple=True, required=True, help="A role; may be repeated.")
@click.option("--agent", default="test", show_default=True, help="The principal's agent id.")
@click.option("--framework", default="custom", show_default=True, help="What the agent is built with.")
@click.option("--attr", "attributes", multiple=True, metavar="NAME=VALUE", help="An attribute of the key.")
@click.option("--protocol", type=click.Choice(["flight", "http", "mcp"]), default="http", show_default=True)
@click.option("--source-ip", default="127.0.0.1", show_default=True, help="Where the request comes from.")
@click.option("--at", "moment", type=click.DateTime(), help="When, in UTC; default is now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("sql")
def explain(
    home: Path,
    roles: tuple[str, ...],
    agent: str,
    framework: str,
    attributes: tuple[str, ...],
    protocol: str,
    source_ip: str,
    moment: dt.datetime | None,
    as_json: bool,
    sql: str,
) -> int:
    """Say which rules allow or refuse SQL to a principal, and which filters and masks bite.

    Exit code 0: allowed. 4: refused.
    """
    from flight_server.policy.expectations import principal_of
    from flight_server.policy.explain import lines

    context = _context(moment or dt.datetime.now(dt.UTC), protocol, source_ip)
    principal = principal_of(frozenset(roles), agent, framework, dict(map(_pair, attributes)))
    with _refusals():
        workbench = _usable(home)
        found = workbench.explain(principal, workbench.accesses(sql), context)
    why = list(lines(found))
    told = {"allowed": found.allowed, "refusal": found.refusal, "masked": found.masked, "why": why}
    print(json.dumps(told) if as_json else "\n".join(why))
    return 0 if found.allowed else NO_ACCESS


@command.command(epilog=examples("hati policy test expectations.yaml"))
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each expectation.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def test(home: Path, as_json: bool, file: Path) -> int:
    """Run a table of expectations; docs/policy.md shows one.

    Exit code 0: all hold. 1: some do not.
    """
    from flight_server.policy.expectations import read_expectations, run
    from flight_server.policy.faults import PolicyFaults

    try:
        expectations = read_expectations(file.name, file.read_text(), dt.datetime.now(dt.UTC))
    except PolicyFaults as found:
        raise Failure(str(found), USAGE) from None
    failed = 0
    for result in run(expectations, _usable(home)):
        failed += bool(result.complaints)
        if as_json:
            name, line = result.expectation.name, result.expectation.line
            print(json.dumps({"name": name, "line": line, "complaints": [*result.complaints]}))
            continue
        word = "FAILED" if result.complaints else "ok"
        print(f"{word:7}{result.expectation.name}")
        for complaint in result.complaints:
            print(f"       {file.name}:{result.expectation.line}: {complaint}")
    if not as_json:
        print(f"{len(expectations) - failed} of {len(expectations)} expectations hold")
    return UNEXPECTED if failed else 0


@command.command(epilog=examples("hati policy check && hati policy reload"))
@home_option
def reload(home: Path) -> int:
    """Let the running service read the policies anew; a faulty set leaves the old one in force.

    Exit code 0: the new set is in force. 1: it is faulty. 3: no service runs.
    """
    report = home / "run" / "policies.json"
    before = _stamp(report)
    _signal_service(home / "run" / "flight.json")
    end = time.monotonic() + _RELOAD_SECS
    while _stamp(report) == before:
        if time.monotonic() > end:
            raise Failure(f"the service said nothing within {_RELOAD_SECS:.0f} seconds; see its log")
        time.sleep(_POLL_SECS)
    told = json.loads(report.read_text())
    for fault in told["faults"]:
        print(fault)
    state = "still in force, the files are faulty" if told["faults"] else "in force"
    print(f"policies {told['version']} {state}")
    return UNEXPECTED if told["faults"] else 0


def _stamp(report: Path) -> tuple[int, int] | None:
    """Return what changes when the file is replaced."""
    try:
        state = report.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_ino


def _signal_service(announcement: Path) -> None:
    try:
        os.kill(int(json.loads(announcement.read_text())["pid"]), signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError):
        message = "no service is running for this home; it reads the policies when it starts"
        raise Failure(message, NO_SERVICE) from None


def _opened(home: Path) -> Workbench:
    from flight_server.policy.catalog_file import NoCatalog
    from flight_server.policy.workbench import open_workbench

    settings = settings_of(home)
    if not (home / "policies").is_dir():
        raise Failure(f"{home} has no policies: create it with `hati init`", CONFIGURATION)
    try:
        return open_workbench(home, settings.database)
    except NoCatalog as error:
        raise Failure(f"the warehouse is in use and its tables are not known here: {error}") from None


def _usable(home: Path) -> Workbench:
    from flight_server.policy.faults import PolicyFaults

    try:
        return _opened(home)
    except PolicyFaults as found:
        raise Failure(str(found), UNEXPECTED) from None


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a statement that cannot be understood into one line."""
    from flight_server.errors import QueryRefused

    try:
        yield
    except QueryRefused as error:
        raise Failure(f"{error.message} [{error.code}]") from None


def _context(moment: dt.datetime, protocol: str, source_ip: str) -> RequestContext:
    from flight_server.policy.model import PROTOCOLS, RequestContext

    return RequestContext(moment.hour, moment.isoweekday(), PROTOCOLS[protocol], source_ip)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--attr")
    return name, value
