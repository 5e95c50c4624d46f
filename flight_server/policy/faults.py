"""What is wrong with a policy file, with the place where its author finds it.

Faults are collected, never raised one by one: an author mends a set of files
once, not once for each mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class PolicyFault:
    """One mistake; `line` counts from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class PolicyFaults(Exception):
    """A set of policies that cannot be used, with every reason.

    Args:
        faults: In any order; kept sorted by file and line, each once.
    """

    def __init__(self, faults: Iterable[PolicyFault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))
