"""The governance example runs, and its policies do what its expectations say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.fixtures.service import plain_environment

EXAMPLE = Path(__file__).parents[2] / "examples" / "governance" / "try_it.py"


def test_the_example_meets_its_expectations() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=plain_environment(),
    )

    assert done.returncode == 0, done.stderr
    assert "10 of 10 expectations hold" in done.stdout
    assert "column main.customers.email: hash, HMAC-SHA-256" in done.stdout
