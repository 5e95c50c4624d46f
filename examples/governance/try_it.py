"""Puts the policies of this folder over the demo data, and asks what they do to a question of an analyst.

Run it with `python examples/governance/try_it.py`; it works in a folder of its own and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
QUESTION = (
    "SELECT name, email, phone, card_number, region, revenue FROM customers ORDER BY customer_id LIMIT 3"
)


def hati(home: Path, *arguments: str, key: str = "") -> str:
    """Run the `hati` command for *home* and return what it prints; a failure ends the example."""
    environment = {**os.environ, "CUSTOMER_HASH_KEY": "not-in-any-file", "HATIDATA_API_KEY": key}
    command = [sys.executable, "-m", "hatidata_agent", "--home", str(home), *arguments]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"hati {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Check the policies, run their expectations, and explain a query."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "hati"
        hati(home, "init", "--demo", "--no-start")
        shutil.copytree(HERE / "policies", home / "policies", dirs_exist_ok=True)
        print(hati(home, "policy", "check"))
        print(hati(home, "policy", "test", str(HERE / "expectations.yaml")))
        print(hati(home, "policy", "explain", "--role", "analyst", "--attr", "region=Europe", QUESTION))


if __name__ == "__main__":
    main()
