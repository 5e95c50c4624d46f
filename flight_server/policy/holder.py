"""The set of policies in force, and its replacement as a whole."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import structlog

from flight_server.policy.faults import PolicyFaults
from flight_server.policy.model import Policies


class PolicyHolder:
    """Keeps the policies in force; a reload that finds a fault changes nothing.

    Args:
        load: Reads and validates the files; raises `PolicyFaults`.
        report: File that says what the last load found, for `hati policy reload`.
    """

    def __init__(self, load: Callable[[], Policies], report: Path) -> None:
        self._load = load
        self._report = report
        self._log = structlog.get_logger("policy")
        self._current = load()
        self._write(self._current.version, ())

    @property
    def current(self) -> Policies:
        """The policies in force."""
        return self._current

    def reload(self) -> bool:
        """Read the files anew; tell whether what they say is now in force."""
        try:
            policies = self._load()
        except PolicyFaults as found:
            faults = tuple(str(fault) for fault in found.faults)
            self._log.error("policies are faulty, the old set stays in force", faults=faults)
            self._write(self._current.version, faults)
            return False
        self._current = policies
        self._log.info("policies loaded", version=policies.version)
        self._write(policies.version, ())
        return True

    def _write(self, version: str, faults: tuple[str, ...]) -> None:
        loaded_at = dt.datetime.now(dt.UTC).isoformat()
        text = json.dumps({"version": version, "loaded_at": loaded_at, "faults": list(faults)})
        self._report.parent.mkdir(parents=True, exist_ok=True)
        partial = self._report.with_name(self._report.name + ".part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(self._report)
