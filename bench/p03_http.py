"""P3: the numeric columns by HTTP POST and curl, against our own DoGet and ROAPI's HTTP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pyarrow.flight as flight

from bench.clients import curl_bytes, do_get, flight_options, ticket
from bench.lab import Lab, Peer
from bench.measure import Claim, Finding, interleaved, rate
from bench.workloads import NUMERIC

DOGET_SHARE = 0.75
PEER_FACTOR = 2.0


def measure(lab: Lab) -> Finding:
    """The service with its result cap raised, as the target says."""
    url = lab.ours.endpoints["http"] + "/v1/query/arrow"
    headers = {"Authorization": f"Bearer {lab.ours.key}", "Content-Type": "application/json"}
    body, secret = ticket(NUMERIC), flight_options(lab.ours.key)
    with closing(flight.connect(lab.ours.endpoints["flight"])) as client:
        contenders: dict[str, Callable[[], float]] = {
            "ours, HTTP by curl": lambda: rate(lambda: curl_bytes(url, body, headers)),
            "ours, DoGet": lambda: rate(lambda: do_get(client, body, secret)),
            "bare gateway by curl": lambda: rate(lambda: curl_bytes(lab.bare_gateway, body, {})),
        }
        roapi = next((peer for peer in lab.peers if peer.http), None)
        if roapi:
            contenders[f"{roapi.name}, HTTP by curl"] = _peer_call(roapi)
        samples = interleaved("P3", "GB/s", lab.rounds, contenders)
    ours, doget = samples["ours, HTTP by curl"].median, samples["ours, DoGet"].median
    claims = [
        Claim(
            "P3",
            "num by HTTP POST, curl",
            f">= {DOGET_SHARE} of our DoGet",
            f"{ours:.2f} GB/s, {ours / doget:.2f} of {doget:.2f} GB/s",
            ours / doget >= DOGET_SHARE,
        )
    ]
    if roapi:
        theirs = samples[f"{roapi.name}, HTTP by curl"].median
        measured = f"{ours / theirs:.1f}x ({theirs:.2f} GB/s)"
        claims.append(
            Claim("P3", "num by HTTP", f">= 2x {roapi.name}'s HTTP", measured, ours / theirs >= PEER_FACTOR)
        )
    return Finding(tuple(claims), tuple(samples.values()))


def _peer_call(peer: Peer) -> Callable[[], float]:
    headers = {"Accept": "application/vnd.apache.arrow.stream"}
    body = peer.spelled(NUMERIC).encode()
    return lambda: rate(lambda: curl_bytes(peer.http or "", body, headers))
