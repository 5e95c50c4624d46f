"""P1 and P2: lineitem by ADBC, against the bare server with either client, and against the peers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing

import pyarrow.flight as flight
from adbc_driver_flightsql.dbapi import Connection

from bench.clients import adbc_bytes, adbc_connection, do_get, flight_options, ticket
from bench.lab import Lab
from bench.measure import Claim, Finding, Sample, interleaved, rate
from bench.workloads import EVERYTHING, NUMERIC

WORKLOADS = {"P1": ("num", NUMERIC), "P2": ("all", EVERYTHING)}
PEER_FACTOR = 2.0
BARE_SHARE = 0.95


def measure(lab: Lab) -> Finding:
    """Both workloads, interleaved contender by contender."""
    found = [_one(lab, claim, name, sql) for claim, (name, sql) in WORKLOADS.items()]
    return Finding(
        tuple(claim for one in found for claim in one.claims),
        tuple(sample for one in found for sample in one.samples),
    )


def _one(lab: Lab, claim: str, name: str, sql: str) -> Finding:
    with ExitStack() as stack:
        samples = interleaved(claim, "GB/s", lab.rounds, _contenders(lab, sql, stack))
    readings = (
        ("by ADBC", "ours, ADBC", "by ADBC", "bare pyarrow server, ADBC", ""),
        ("by ADBC", "ours, ADBC", "by pyarrow", "bare pyarrow server, DoGet", "the driver's own cost counts"),
        ("by pyarrow", "ours, DoGet", "by pyarrow", "bare pyarrow server, DoGet", "not a target"),
    )
    shares = tuple(_share(claim, name, samples, *reading) for reading in readings)
    return Finding((*shares, _against_peers(lab, claim, name, samples)), tuple(samples.values()))


def _share(
    claim: str,
    name: str,
    samples: dict[str, Sample],
    how: str,
    ours: str,
    bare_how: str,
    bare: str,
    note: str,
) -> Claim:
    """What share of the bare server's speed ours has; the target can be read with either client there."""
    mine, theirs = samples[ours].median, samples[bare].median
    share = mine / theirs
    return Claim(
        claim,
        f"{name} {how}",
        f">= {BARE_SHARE} of the bare server {bare_how}",
        f"{mine:.2f} GB/s, {share:.2f} of {theirs:.2f} GB/s",
        share >= BARE_SHARE,
        note,
    )


def _contenders(lab: Lab, sql: str, stack: ExitStack) -> dict[str, Callable[[], float]]:
    """One call for each contender, on connections that *stack* closes."""
    ours = stack.enter_context(closing(flight.connect(lab.ours.endpoints["flight"])))
    adbc = stack.enter_context(closing(adbc_connection(lab.ours.endpoints["flight"], lab.ours.key)))
    bare = stack.enter_context(closing(flight.connect(lab.bare_flight)))
    bare_adbc = stack.enter_context(closing(adbc_connection(lab.bare_flight, None)))
    secret, open_to_all = flight_options(lab.ours.key), flight_options(None)
    first = next(iter(ours.do_get(flight.Ticket(ticket(sql)), secret))).data
    same_size = ticket(sql, batch_rows=first.num_rows)
    contenders: dict[str, Callable[[], float]] = {
        "ours, ADBC": lambda: rate(lambda: adbc_bytes(adbc, sql)),
        "ours, DoGet": lambda: rate(lambda: do_get(ours, ticket(sql), secret)),
        "bare pyarrow server, DoGet": lambda: rate(lambda: do_get(bare, same_size, open_to_all)),
        "bare pyarrow server, ADBC": _peer_call(bare_adbc, sql),
    }
    for peer in lab.peers:
        if peer.flight_sql:
            connection = stack.enter_context(closing(adbc_connection(peer.flight_sql, None)))
            contenders[f"{peer.name}, ADBC"] = _peer_call(connection, peer.spelled(sql))
    return contenders


def _peer_call(connection: Connection, sql: str) -> Callable[[], float]:
    return lambda: rate(lambda: adbc_bytes(connection, sql))


def _against_peers(lab: Lab, claim: str, name: str, samples: dict[str, Sample]) -> Claim:
    ours = samples["ours, ADBC"].median
    peers = {peer.name: samples[f"{peer.name}, ADBC"].median for peer in lab.peers if peer.flight_sql}
    target = f">= {PEER_FACTOR:.0f}x the best peer"
    if not peers:
        return Claim(claim, f"{name} by ADBC", target, "-", None, "peers are measured by `make bench-peers`")
    best = max(peers, key=lambda peer: peers[peer])
    factor = ours / peers[best]
    return Claim(
        claim,
        f"{name} by ADBC",
        target,
        f"{factor:.1f}x {best} ({peers[best]:.2f} GB/s)",
        factor >= PEER_FACTOR,
    )
