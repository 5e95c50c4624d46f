"""P6: the smallest query by HTTP over eight kept connections, against the bare gateway and ROAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.clients import http_requests_per_second, post_call, ticket, wrk_is_there
from bench.lab import Lab
from bench.measure import Claim, Finding, calls_per_second, interleaved
from bench.workloads import SMALL

CONNECTIONS = 8
SECONDS = 3
BARE_SHARE = 0.9


def measure(lab: Lab) -> Finding:
    """By wrk when it is installed; else by a Python client with eight threads, which the note says."""
    url = lab.ours.endpoints["http"] + "/v1/query/arrow"
    headers = {"Authorization": f"Bearer {lab.ours.key}", "Content-Type": "application/json"}
    contenders = {
        "ours, HTTP": _load(url, ticket(SMALL), headers),
        "bare gateway": _load(lab.bare_gateway, ticket(SMALL), {}),
    }
    for peer in lab.peers:
        if peer.http:
            accept = {"Accept": "application/vnd.apache.arrow.stream"}
            contenders[f"{peer.name}, HTTP"] = _load(peer.http, SMALL.encode(), accept)
    samples = interleaved("P6", "1/s", lab.rounds, contenders)
    ours, bare = samples["ours, HTTP"].median, samples["bare gateway"].median
    note = "" if wrk_is_there() else "wrk is not installed: a Python client with 8 threads was used"
    measured = f"{ours:,.0f} req/s, {ours / bare:.2f} of {bare:,.0f} req/s"
    claims = [
        Claim(
            "P6", "small by HTTP, 8 connections", f">= {BARE_SHARE} of the bare gateway", measured,
            ours / bare >= BARE_SHARE, note,
        )
    ]  # fmt: skip
    for peer in lab.peers:
        if peer.http:
            theirs = samples[f"{peer.name}, HTTP"].median
            claims.append(
                Claim(
                    "P6",
                    "small by HTTP",
                    f"towards {peer.name}",
                    f"{ours:,.0f} and {theirs:,.0f} req/s",
                    None,
                    note,
                )
            )
    return Finding(tuple(claims), tuple(samples.values()))


def _load(url: str, body: bytes, headers: Mapping[str, str]) -> Callable[[], float]:
    if wrk_is_there():
        return lambda: http_requests_per_second(url, body, headers, CONNECTIONS, SECONDS)
    return lambda: calls_per_second(lambda: post_call(url, body, headers), CONNECTIONS, SECONDS)
