"""Where the SDK and `hati` find the key when none is given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

KEY_FILE = "api_key"


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return HATIDATA_HOME, or `.hati` in the working directory."""
    return Path(environ.get("HATIDATA_HOME") or ".hati")


def find_key(given: str | None, home: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Return the key: *given*, else HATIDATA_API_KEY, else the file HOME/api_key, else none.

    An empty *given* means deliberately none, which a service in dev mode accepts.
    """
    if given is not None:
        return given
    return environ.get("HATIDATA_API_KEY") or _key_in(home / KEY_FILE)


def _key_in(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
