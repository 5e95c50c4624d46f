"""Cuts the image's locks out of requirements.lock: `python -m deploy.lock`.

The lock of the repository holds the tools of developers, too, which an image has no use for. What
needs what is read from the installed packages, which are the locked ones.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
EXTRAS: Final = ("otel", "semantic")
DRIVERS: Final = ("adbc-driver-flightsql", "adbc-driver-manager", "adbc-driver-postgresql")
"""What remote engines are asked with; of the extra `cluster` without the cluster itself."""

BUILD: Final = ("hatchling",)
HEAD: Final = "# Cut out of requirements.lock by `python -m deploy.lock`; a test keeps it current.\n"

_PIN: Final = re.compile(r"^([\w.-]+)==.*\n(?:    .*\n)+", re.MULTILINE)


def image_locks() -> dict[Path, str]:
    """Return the text of each lock of the image by its file."""
    pins = _pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = [*project["dependencies"], *DRIVERS]
    for extra in EXTRAS:
        runtime += project["optional-dependencies"][extra]
    files = {"requirements.lock": runtime, "build-requirements.lock": BUILD}
    return {ROOT / "deploy" / name: HEAD + _cut(pins, wanted) for name, wanted in files.items()}


def _pins(lock: str) -> dict[str, str]:
    return {canonicalize_name(match[1]): match[0] for match in _PIN.finditer(lock)}


def _cut(pins: dict[str, str], wanted: Iterable[str]) -> str:
    needed: set[tuple[str, str]] = set()
    todo = [need for text in wanted for need in _needs(Requirement(text))]
    while todo:
        need = todo.pop()
        if need not in needed:
            needed.add(need)
            todo += _needed_by(*need)
    names = {name for name, _ in needed}
    return "".join(pin for name, pin in pins.items() if name in names)


def _needs(requirement: Requirement) -> Iterator[tuple[str, str]]:
    """Yield a package by itself and with each of its extras."""
    name = canonicalize_name(requirement.name)
    yield from ((name, extra) for extra in ("", *requirement.extras))


def _needed_by(name: str, extra: str) -> Iterator[tuple[str, str]]:
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield from _needs(requirement)


if __name__ == "__main__":
    for file, lock in image_locks().items():
        file.write_text(lock, encoding="utf-8")
        sys.stdout.write(f"{file.relative_to(ROOT)}: {lock.count('==')} packages\n")
