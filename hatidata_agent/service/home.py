"""HOME, the folder where everything of one service lives, and its first contents.

A second creation changes nothing: files are written only if they are missing, and
`policies/` only as a whole, so that a rule somebody removed does not come back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hatidata_agent.service.config import starting_config

_GITIGNORE = """\
# Data, keys and traces stay out of version control; config.toml and policies/ belong into it.
*.duckdb
*.duckdb.wal
*.db
*.db-*
api_key
history
audit/
logs/
run/
"""


@dataclass(frozen=True, slots=True)
class Home:
    """The places inside HOME."""

    root: Path

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.root / "config.toml"

    @property
    def policies(self) -> Path:
        """Access rules, row filters, masks and limits."""
        return self.root / "policies"

    @property
    def run(self) -> Path:
        """What only a running service needs: lock, addresses, token."""
        return self.root / "run"

    @property
    def endpoints(self) -> Path:
        """The addresses of the service, there only while it is ready or was."""
        return self.run / "endpoints.json"

    @property
    def log(self) -> Path:
        """What a service in the background prints."""
        return self.root / "logs" / "serve.log"

    @property
    def demo_mark(self) -> Path:
        """There if the warehouse was filled with the demo data."""
        return self.root / ".demo"


def create_home(root: Path, *, demo: bool) -> bool:
    """Create HOME with its starting files and return whether it is new.

    Args:
        root: Where.
        demo: Whether `policies/` starts with the masks and filters of the demo data.

    Raises:
        OSError: The folder cannot be written.
    """
    home = Home(root)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (home.run, home.log.parent, root / "audit"):
        folder.mkdir(mode=0o700, exist_ok=True)
    _write_if_missing(root / ".gitignore", _GITIGNORE)
    if not home.policies.exists():
        _create_policies(home.policies, demo=demo)
    return _write_if_missing(home.config, starting_config())


def _write_if_missing(path: Path, text: str) -> bool:
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _create_policies(target: Path, *, demo: bool) -> None:
    """Write the starting set beside *target* and rename it, so that no half set is ever read."""
    draft = target.with_name(f".policies.{os.getpid()}")
    draft.mkdir(mode=0o700)
    try:
        for name, text in _policy_texts(demo=demo):
            (draft / name).write_text(text)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _policy_texts(*, demo: bool) -> Iterator[tuple[str, str]]:
    """Yield name and text of each starting policy file; a demo file replaces its namesake."""
    folder = files("hatidata_agent") / "starting_policies"
    special = folder / "demo"
    for entry in folder.iterdir():
        if entry.is_file() and entry.name.endswith((".cedar", ".yaml")):
            chosen = special / entry.name if demo and (special / entry.name).is_file() else entry
            yield entry.name, chosen.read_text()
