"""P6: the smallest query by HTTP over eight kept connections, against the bare gateway and ROAPI."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.clients import http_requests_per_second, post_call, ticket, wrk_is_there
from bench.data import WAREHOUSE
from bench.lab import Lab
from bench.measure import Claim, Finding, Sample, calls_per_second, interleaved
from bench.processes import AS_SHIPPED, Ours, our_service
from bench.workloads import SMALL

SHIPPED = "ours as shipped"
CONNECTIONS = 8
SECONDS = 3
BARE_SHARE = 0.9


def measure(lab: Lab) -> Finding:
    """By wrk when it is installed; else by a Python client with eight threads, which the note says.

    Our service is measured as shipped, with its result cache on, and with that cache off.
    """
    with (
        tempfile.TemporaryDirectory(prefix="hatidata-bench-") as folder,
        our_service(Path(folder) / "home", WAREHOUSE, AS_SHIPPED) as shipped,
    ):
        contenders = {
            f"{SHIPPED}, HTTP": _our_load(shipped),
            "ours, HTTP": _our_load(lab.ours),
            "bare gateway": _load(lab.bare_gateway, ticket(SMALL), {}),
        }
        for peer in lab.peers:
            if peer.http:
                accept = {"Accept": "application/vnd.apache.arrow.stream"}
                contenders[f"{peer.name}, HTTP"] = _load(peer.http, SMALL.encode(), accept)
        samples = interleaved("P6", "1/s", lab.rounds, contenders)
    return Finding(tuple(_claims(lab, samples)), tuple(samples.values()))


def _claims(lab: Lab, samples: Mapping[str, Sample]) -> Iterator[Claim]:
    note = "" if wrk_is_there() else "wrk is not installed: a Python client with 8 threads was used"
    bare = samples["bare gateway"].median
    for name, how in ((SHIPPED, "as shipped"), ("ours", "result cache off")):
        ours = samples[f"{name}, HTTP"].median
        what, target = f"small by HTTP, 8 connections, {how}", f">= {BARE_SHARE} of the bare gateway"
        measured = f"{ours:,.0f} req/s, {ours / bare:.2f} of {bare:,.0f} req/s"
        yield Claim("P6", what, target, measured, ours / bare >= BARE_SHARE, note)
    for peer in lab.peers:
        if peer.http:
            theirs = samples[f"{peer.name}, HTTP"].median
            ours = samples[f"{SHIPPED}, HTTP"].median
            measured = f"{ours:,.0f} and {theirs:,.0f} req/s"
            yield Claim("P6", "small by HTTP, as shipped", f"towards {peer.name}", measured, None, note)


def _our_load(ours: Ours) -> Callable[[], float]:
    headers = {"Authorization": f"Bearer {ours.key}", "Content-Type": "application/json"}
    return _load(ours.endpoints["http"] + "/v1/query/arrow", ticket(SMALL), headers)


def _load(url: str, body: bytes, headers: Mapping[str, str]) -> Callable[[], float]:
    if wrk_is_there():
        return lambda: http_requests_per_second(url, body, headers, CONNECTIONS, SECONDS)
    return lambda: calls_per_second(lambda: post_call(url, body, headers), CONNECTIONS, SECONDS)
