"""A bounded memory of what was used lately, safe to share between threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values that were used last, by key.

    Args:
        capacity: How many are kept.
        most_weight: How much they may weigh together; None does not weigh them.
    """

    def __init__(self, capacity: int, most_weight: int | None = None) -> None:
        self._capacity = capacity
        self._most_weight = most_weight
        self._weight = 0
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return the value of *key*, or None when it was never kept or is forgotten."""
        with self._lock:
            entry = self._values.get(key)
            if entry is None:
                return None
            self._values.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, value: Value, weight: int = 0) -> list[tuple[Hashable, Value]]:
        """Keep *value*, and return what had to be forgotten for it, the longest unused first."""
        with self._lock:
            self._drop(key)
            self._values[key] = (value, weight)
            self._weight += weight
            forgotten = []
            while self._is_over():
                old, (dropped, its_weight) = self._values.popitem(last=False)
                self._weight -= its_weight
                forgotten.append((old, dropped))
            return forgotten

    def forget(self, key: Hashable) -> None:
        """Keep the value of *key* no longer."""
        with self._lock:
            self._drop(key)

    @property
    def weight(self) -> int:
        """How much the kept values weigh together."""
        return self._weight

    def __len__(self) -> int:
        return len(self._values)

    def _drop(self, key: Hashable) -> None:
        entry = self._values.pop(key, None)
        if entry is not None:
            self._weight -= entry[1]

    def _is_over(self) -> bool:
        too_heavy = self._most_weight is not None and self._weight > self._most_weight
        return bool(self._values) and (len(self._values) > self._capacity or too_heavy)
