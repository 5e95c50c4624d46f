"""Measures everything, or what `--only` names, and reports it.

python -m bench [--peers] [--rounds N] [--only P1,P4] [--keep-page]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench import (
    data,
    p01_p02_adbc,
    p03_http,
    p04_p05_small,
    p06_small_http,
    p07_masks,
    p08_memory,
    p09_ingest,
    p10_cancel,
    p11_cache,
    peers,
    report,
)
from bench.lab import Lab
from bench.measure import Finding
from bench.processes import bare_flight, bare_gateway, our_service

CLAIMS: Final[dict[str, Callable[[Lab], Finding]]] = {
    "P1": p01_p02_adbc.measure,
    "P3": p03_http.measure,
    "P4": p04_p05_small.measure,
    "P6": p06_small_http.measure,
    "P7": p07_masks.measure,
    "P8": p08_memory.measure,
    "P9": p09_ingest.measure,
    "P10": p10_cancel.measure,
    "P11": p11_cache.measure,
}
"""By the first claim of each file; P2 is measured with P1 and P5 with P4."""


def main() -> None:
    """Run what the command line asks for."""
    wanted = _arguments()
    chosen = wanted.only.split(",") if wanted.only else list(CLAIMS)
    with tempfile.TemporaryDirectory(prefix="hatidata-bench-") as folder, _lab(wanted, Path(folder)) as lab:
        findings = []
        for claim in chosen:
            print(f"measuring {claim} ..", flush=True)
            findings.append(CLAIMS[claim](lab))
    report.write(findings, wanted.rounds, lab.absent, page=not (wanted.only or wanted.keep_page))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="also ROAPI, Sail and Quack, from PyPI")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds of each contender (5)")
    parser.add_argument("--only", help=f"some of {','.join(CLAIMS)}; writes no page")
    parser.add_argument("--keep-page", action="store_true", help="leave docs/performance.md as it is")
    return parser.parse_args()


@contextmanager
def _lab(wanted: argparse.Namespace, folder: Path) -> Iterator[Lab]:
    warehouse = data.prepare()
    with ExitStack() as stack:
        ours = stack.enter_context(our_service(folder / "home", warehouse))
        flight_uri = stack.enter_context(bare_flight(warehouse, folder))
        gateway = stack.enter_context(bare_gateway(flight_uri, folder))
        if not wanted.peers:
            yield Lab(ours, flight_uri, gateway, wanted.rounds)
            return
        peers.install()
        alive, absent = stack.enter_context(peers.started(folder))
        yield Lab(ours, flight_uri, gateway, wanted.rounds, alive, absent)


if __name__ == "__main__":
    main()
