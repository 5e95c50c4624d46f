"""Column names that are unique, for formats in which a name says which column is meant."""

from __future__ import annotations

from collections.abc import Iterable


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return *names* with `_1`, `_2` and so on after repeated ones; the first keeps its name."""
    names = tuple(names)
    taken = set(names)
    seen: set[str] = set()
    return tuple(_unseen(name, taken, seen) for name in names)


def _unseen(name: str, taken: set[str], seen: set[str]) -> str:
    chosen, number = name, 0
    while chosen in seen or (number and chosen in taken):
        number += 1
        chosen = f"{name}_{number}"
    seen.add(chosen)
    return chosen
