"""How a running service is: what its metrics say of queries and caches, for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

_LINE = re.compile(r"^hatidata_(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_WAIT_SECS = 2.0


@dataclass(frozen=True, slots=True)
class Cache:
    """One cache.

    Attributes:
        entries: How many it keeps in memory.
        disk_bytes: What it keeps on disk besides.
    """

    entries: int
    hits: int
    misses: int
    memory_bytes: int = 0
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the metrics say now."""

    running_queries: int
    verified_keys: int
    compiled: Cache
    results: Cache


def read_vitals(url: str) -> Vitals | None:
    """Return what the metrics at *url* say; None if nothing answers there."""
    try:
        with urlopen(url, timeout=_WAIT_SECS) as answer:  # noqa: S310 - the address is the service's own
            return vitals_of(answer.read().decode())
    except (URLError, OSError, ValueError):
        return None


def vitals_of(text: str) -> Vitals:
    """Read metrics in Prometheus' text form; what is missing counts as 0."""
    values = {(name, _labels(labels)): int(float(value)) for name, labels, value in _LINE.findall(text)}

    def plain(name: str) -> int:
        return values.get((name, ()), 0)

    def looked_up(cache: str, result: str) -> int:
        return values.get(("cache_lookups_total", (("cache", cache), ("result", result))), 0)

    def cache(name: str, entries: str, memory: str = "", disk: str = "") -> Cache:
        hits, misses = looked_up(name, "hit"), looked_up(name, "miss")
        return Cache(plain(entries), hits, misses, plain(memory), plain(disk))

    return Vitals(
        plain("running_queries"),
        plain("verified_keys"),
        cache("compile", "compiled_plans"),
        cache("result", "cached_results", "cached_result_bytes", "cached_result_disk_bytes"),
    )


def told(vitals: Vitals) -> Mapping[str, str]:
    """Return the lines that a person reads, by their titles."""
    results = vitals.results
    sizes = f", {results.memory_bytes / 1e6:.1f} MB in memory, {results.disk_bytes / 1e6:.1f} MB on disk"
    return {
        "queries": f"{vitals.running_queries} running",
        "keys": f"{vitals.verified_keys} verified",
        "plans": _used(vitals.compiled),
        "results": _used(results) + sizes,
    }


def _used(cache: Cache) -> str:
    asked = cache.hits + cache.misses
    return f"{cache.entries} cached, {cache.hits:,} hits of {asked:,}"


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_LABEL.findall(text)))
