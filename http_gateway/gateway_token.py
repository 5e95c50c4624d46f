"""The secret by which the Flight server knows its gateway.

Whoever starts first makes it. It is written aside and linked into place, so that the other
process never reads half of it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def gateway_token(path: Path) -> str:
    """Return the token in the file *path*, making it when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make(path)
    return path.read_text(encoding="ascii").strip()


def _make(path: Path) -> None:
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
