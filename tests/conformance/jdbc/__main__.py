"""Fetches the JDBC driver with Maven, compiles the checks and runs them against a server of their own.

python -m tests.conformance.jdbc
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fixtures.flight import flight_serving

VERSION = "18.3.0"
CHECKS = Path(__file__).parent / "FlightSqlJdbc.java"


def main() -> int:
    """Run every check; the exit code is the number of failures."""
    with tempfile.TemporaryDirectory() as folder:
        classes = Path(folder) / "classes"
        artifact = f"-Dartifact=org.apache.arrow:flight-sql-jdbc-driver:{VERSION}"
        subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy", artifact, f"-DoutputDirectory={folder}"], check=True
        )
        driver = f"{folder}/flight-sql-jdbc-driver-{VERSION}.jar"
        subprocess.run(["javac", "-cp", driver, "-d", str(classes), str(CHECKS)], check=True)
        with flight_serving(Path(folder) / "home") as flight:
            run = [
                "java",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-cp",
                f"{driver}:{classes}",
                "FlightSqlJdbc",
            ]
            address = flight.uri.removeprefix("grpc://")
            return subprocess.run([*run, address, flight.admin], timeout=120, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
