"""Two children under a supervisor: restarts, the order of the drain, configuration faults.

The children are small programs that do what real ones do: announce themselves in
HOME/run, answer /ready, and end on SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHILD = """
import http.server, json, os, signal, sys, threading, time
from pathlib import Path
name, run, behaviour = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
def note(what):
    with (run / "notes").open("a") as notes:
        notes.write(f"{name} {what} {os.getpid()}\\n")
if behaviour == "bad configuration":
    print("config.toml: nonsense", file=sys.stderr)
    sys.exit(78)
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *args): pass
def stop(*_):
    note("stopping")
    if behaviour == "stubborn": return
    time.sleep(0.2); note("stopped"); os._exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGHUP, lambda *_: note("reload"))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready)
uri = f"http://127.0.0.1:{server.server_port}"
fields = {"flight": ("flight", "health", "metrics"), "gateway": ("http", "mcp")}[name]
(run / f".{name}").write_text(json.dumps({field: uri for field in fields} | {"pid": os.getpid()}))
(run / f".{name}").rename(run / f"{name}.json")
note("started")
threading.Thread(target=server.serve_forever, daemon=True).start()
while True: time.sleep(0.1)
"""

PARENT = """
import asyncio, sys
from pathlib import Path
from hatidata_agent.service.child import BadConfigurationError, Child
from hatidata_agent.service.home import Home
from hatidata_agent.service.log import log_for
from hatidata_agent.service.supervisor import Supervisor
home, program, grace, flight, gateway = sys.argv[1:]
log = log_for("text")
def child(name, behaviour):
    command = [sys.executable, program, name, str(Path(home) / "run"), behaviour]
    return Child(name, lambda: command, log)
children = [child("flight", flight), child("gateway", gateway)]
async def main():
    ready = lambda _: print("ready", flush=True)
    await Supervisor(children, Home(Path(home)), float(grace), log, ready).run()
try:
    asyncio.run(main())
except BadConfigurationError as error:
    sys.exit(f"{error}")
"""


class Supervised:
    """A supervisor over two child programs."""

    def __init__(self, root: Path, grace: float, flight: str, gateway: str) -> None:
        self.run = root / "run"
        self.run.mkdir()
        (root / "child.py").write_text(CHILD)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(root), str(root / "child.py"), str(grace), flight, gateway],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def notes(self) -> list[str]:
        path = self.run / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.rsplit(" ", 1)[0] for line in lines]

    def wait_for(self, note: str, count: int = 1) -> None:
        end = time.monotonic() + 20
        while self.notes().count(note) < count:
            assert time.monotonic() < end, f"{note} is missing in {self.notes()}"
            time.sleep(0.02)

    def pid(self, name: str) -> int:
        return int(json.loads((self.run / f"{name}.json").read_text())["pid"])

    def end(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


def _is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


Start = Callable[..., Supervised]


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Start]:
    started: list[Supervised] = []

    def start(flight: str = "good", gateway: str = "good", grace: float = 5) -> Supervised:
        started.append(Supervised(tmp_path, grace, flight, gateway))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_the_addresses_are_written_when_the_service_answers(supervised: Start) -> None:
    running = supervised()
    running.wait_until_ready()
    endpoints = json.loads((running.run / "endpoints.json").read_text())

    assert endpoints.keys() == {"http", "mcp", "flight", "health", "metrics"}


def test_the_gateway_stops_before_the_flight_server_and_the_end_is_clean(supervised: Start) -> None:
    running = supervised()
    running.wait_until_ready()
    running.process.send_signal(signal.SIGTERM)
    code, said = running.end()

    assert (code, running.notes()[2:]) == (
        0,
        ["gateway stopping", "gateway stopped", "flight stopping", "flight stopped"],
    )
    assert not (running.run / "endpoints.json").exists()
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["flight", "gateway"])
def test_a_killed_child_is_started_again_and_the_other_one_left_alone(supervised: Start, name: str) -> None:
    other = "gateway" if name == "flight" else "flight"
    running = supervised()
    running.wait_until_ready()
    before = running.pid(other)
    os.kill(running.pid(name), signal.SIGKILL)
    running.wait_for(f"{name} started", 2)

    assert (running.pid(other), running.notes().count(f"{other} started")) == (before, 1)


def test_the_new_address_of_a_restarted_child_is_announced(supervised: Start) -> None:
    running = supervised()
    running.wait_until_ready()
    before = (running.run / "endpoints.json").read_text()
    os.kill(running.pid("gateway"), signal.SIGKILL)

    assert _wait_until(lambda: (running.run / "endpoints.json").read_text() != before)


def test_a_configuration_fault_ends_the_service_without_a_restart(supervised: Start) -> None:
    code, said = supervised(gateway="bad configuration").end()

    assert code == 1
    assert "config.toml: nonsense" in said
    assert "gateway refused its configuration" in said
    assert "starting it again" not in said
    assert "Traceback" not in said


def test_a_second_signal_ends_everything_at_once(supervised: Start) -> None:
    running = supervised(gateway="stubborn", grace=60)
    running.wait_until_ready()
    children = [running.pid("flight"), running.pid("gateway")]
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("gateway stopping")
    running.process.send_signal(signal.SIGTERM)
    code, _ = running.end()

    assert code == 143
    assert _wait_until(lambda: not any(map(_is_alive, children)))


def test_a_child_that_does_not_end_is_ended_after_its_grace(supervised: Start) -> None:
    running = supervised(gateway="stubborn", grace=-4.5)
    running.wait_until_ready()
    running.process.send_signal(signal.SIGTERM)
    code, said = running.end()

    assert (code, "child did not end in time" in said) == (0, True)


def test_the_reload_signal_reaches_the_flight_server(supervised: Start) -> None:
    running = supervised()
    running.wait_until_ready()
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("flight reload")

    assert "gateway reload" not in running.notes()


def test_children_end_with_a_supervisor_that_was_killed(supervised: Start) -> None:
    running = supervised()
    running.wait_until_ready()
    children = [running.pid("flight"), running.pid("gateway")]
    running.process.kill()

    assert _wait_until(lambda: not any(map(_is_alive, children)))
