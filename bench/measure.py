"""What a measurement is, and the one way to take it: interleaved rounds, compared by medians."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """What one contender did in every round.

    Attributes:
        unit: `GB/s`, `ms`, `1/s`, `s` or `MB`.
    """

    claim: str
    contender: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value that stands for the sample."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Claim:
    """One target and what was measured for it.

    Attributes:
        met: None when it could not be judged; `note` says why.
    """

    id: str
    what: str
    target: str
    measured: str
    met: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one file of the bench hands back."""

    claims: tuple[Claim, ...]
    samples: tuple[Sample, ...]


def interleaved(
    claim: str, unit: str, rounds: int, contenders: Mapping[str, Callable[[], float]]
) -> dict[str, Sample]:
    """Call each contender once a round, in an order that changes; one unmeasured round comes first."""
    values: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    order = random.Random(claim)
    for number in range(rounds + 1):
        order.shuffle(names)
        for name in names:
            value = contenders[name]()
            if number:
                values[name].append(value)
    return {name: Sample(claim, name, unit, tuple(taken)) for name, taken in values.items()}


def rate(transfer: Callable[[], int]) -> float:
    """Gigabytes (10^9) in a second of a transfer that returns its bytes."""
    started = time.perf_counter()
    size = transfer()
    return size / (time.perf_counter() - started) / 1e9


def p50_ms(call: Callable[[], object], times: int) -> float:
    """The median time of *times* calls in milliseconds."""
    return statistics.median(_timed_ms(call) for _ in range(times))


def _timed_ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1e3


def calls_per_second(make_call: Callable[[], Callable[[], object]], clients: int, seconds: float) -> float:
    """Calls in a second by *clients* threads, each with what *make_call* gives it (a connection)."""
    calls = [make_call() for _ in range(clients)]
    counts = [0] * clients
    stop = threading.Event()

    def work(number: int) -> None:
        while not stop.is_set():
            calls[number]()
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)
