"""Builds the checks with Go, whose modules are locked in go.sum, and runs them against a server of their own.

python -m tests.conformance.golang
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fixtures.flight import flight_serving


def main() -> int:
    """Run every check; the exit code is the number of failures."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "flightsql"
        subprocess.run(
            ["go", "build", "-mod=readonly", "-o", str(program), "."], cwd=Path(__file__).parent, check=True
        )
        with flight_serving(Path(folder) / "home") as flight:
            address = flight.uri.removeprefix("grpc://")
            return subprocess.run([program, address, flight.admin], timeout=120, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
