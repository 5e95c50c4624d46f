"""P10: how long the engine stays busy after its client cancelled, ran out of time or died."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

import pyarrow.flight as flight
import requests

from bench.clients import flight_options, ticket
from bench.lab import Lab
from bench.measure import Claim, Finding, interleaved
from bench.processes import ROOT
from bench.workloads import LONG_AGGREGATE, TEN_GIGABYTES

LIMIT_MS = 300.0
DEADLINE_MS = 500
_GAUGE = re.compile(r"^hatidata_running_queries (\S+)", re.MULTILINE)
_DYING_CLIENT = """
import sys, pyarrow.flight as flight
options = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer " + sys.argv[2].encode())])
for chunk in flight.connect(sys.argv[1]).do_get(flight.Ticket(sys.argv[3].encode()), options):
    print("reading", flush=True)
"""


def measure(lab: Lab) -> Finding:
    """Milliseconds from the event until no query holds a slot."""
    ways: dict[str, Callable[[Lab], float]] = {
        "cancelled while streaming": _cancelled,
        "deadline passed": _deadline_passed,
        "Flight client killed": _flight_client_killed,
        "HTTP client gone": _http_client_gone,
    }
    samples = interleaved("P10", "ms", lab.rounds, {name: _on(lab, way) for name, way in ways.items()})
    claims = tuple(
        Claim(
            "P10",
            name,
            f"idle within {LIMIT_MS:.0f} ms",
            f"{sample.median:.0f} ms",
            sample.median <= LIMIT_MS,
        )
        for name, sample in samples.items()
    )
    return Finding(claims, tuple(samples.values()))


def _on(lab: Lab, way: Callable[[Lab], float]) -> Callable[[], float]:
    return lambda: way(lab)


def _cancelled(lab: Lab) -> float:
    with closing(flight.connect(lab.ours.endpoints["flight"])) as client:
        question = flight.Ticket(ticket(TEN_GIGABYTES))
        reader = client.do_get(question, flight_options(lab.ours.key))
        reader.read_chunk()
        reader.cancel()
        return _until_idle(lab)


def _deadline_passed(lab: Lab) -> float:
    started = time.perf_counter()
    with closing(flight.connect(lab.ours.endpoints["flight"])) as client, suppress(flight.FlightError):
        question = flight.Ticket(ticket(LONG_AGGREGATE, timeout_ms=DEADLINE_MS))
        client.do_get(question, flight_options(lab.ours.key)).read_all()
    _until_idle(lab)
    return (time.perf_counter() - started) * 1e3 - DEADLINE_MS


def _flight_client_killed(lab: Lab) -> float:
    question = ticket(TEN_GIGABYTES).decode()
    command = [sys.executable, "-c", _DYING_CLIENT, lab.ours.endpoints["flight"], lab.ours.key, question]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as client:
        assert client.stdout is not None
        client.stdout.readline()
        client.send_signal(signal.SIGKILL)
        return _until_idle(lab)


def _http_client_gone(lab: Lab) -> float:
    url = lab.ours.endpoints["http"] + "/v1/query/arrow"
    command = ["curl", "-s", "-o", "/dev/null", "-H", f"Authorization: Bearer {lab.ours.key}"]
    body = ["-H", "Content-Type: application/json", "--data-binary", ticket(LONG_AGGREGATE).decode(), url]
    with subprocess.Popen([*command, *body]) as client:
        _wait(lab, lambda running: running > 0)
        client.send_signal(signal.SIGKILL)
        return _until_idle(lab)


def _until_idle(lab: Lab) -> float:
    return _wait(lab, lambda running: running == 0)


def _wait(lab: Lab, reached: Callable[[float], bool]) -> float:
    """Milliseconds until the number of running queries is as wanted, looking every 5 ms.

    Raises:
        TimeoutError: It was not within 20 seconds.
    """
    started = time.perf_counter()
    pause = threading.Event()
    while not reached(_running(lab)):
        if time.perf_counter() - started > 20:
            raise TimeoutError("the number of running queries did not change")
        pause.wait(0.005)
    return (time.perf_counter() - started) * 1e3


def _running(lab: Lab) -> float:
    found = _GAUGE.findall(requests.get(_metrics_url(lab), timeout=5).text)
    return float(found[0])


def _metrics_url(lab: Lab) -> str:
    return lab.ours.endpoints["metrics"].removesuffix("/metrics") + "/metrics"
