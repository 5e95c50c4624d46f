"""`hati status`: whether the service of a home runs, answers, and where; what its caches hold."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import click

from hatidata_agent.cli.exits import NO_SERVICE, UNEXPECTED
from hatidata_agent.cli.options import examples, home_option
from hatidata_agent.service.endpoints import Endpoints, is_ready, read_endpoints
from hatidata_agent.service.home import Home
from hatidata_agent.service.instance import serving_pid
from hatidata_agent.service.vitals import Vitals, read_vitals, told


@click.command(epilog=examples("hati status", "hati status --json | jq -r .flight"))
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(home: Path, as_json: bool) -> int:
    """Say whether the service of this home runs, answers, and where, and how its caches do.

    Exit code 0: ready. 1: running, not ready. 3: not running.
    """
    pid = serving_pid(Home(home).run)
    endpoints = read_endpoints(Home(home).endpoints) if pid is not None else None
    ready = endpoints is not None and asyncio.run(is_ready(endpoints.http))
    state = "stopped" if pid is None else "ready" if ready else "not ready"
    vitals = read_vitals(endpoints.metrics) if endpoints else None
    if as_json:
        known = asdict(endpoints) if endpoints else {}
        seen = asdict(vitals) if vitals else None
        print(json.dumps({"state": state, "pid": pid, "home": str(home), **known, "vitals": seen}))
    else:
        _print(state, pid, home, endpoints, vitals)
    return NO_SERVICE if pid is None else 0 if ready else UNEXPECTED


def _print(
    state: str, pid: int | None, home: Path, endpoints: Endpoints | None, vitals: Vitals | None
) -> None:
    print(f"HatiData is {state}" + (f" (pid {pid}), home {home}" if pid else f", home {home}"))
    lines = asdict(endpoints) if endpoints else {}
    for name, text in (lines | dict(told(vitals) if vitals else {})).items():
        print(f"  {name:8} {text}")
