"""The Python programs of docs/clients.md run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.flight import FlightService

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
PROGRAMS = {
    title: program
    for title, section in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    for program in re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
}


def test_the_page_has_a_program_for_every_client_that_is_run() -> None:
    assert list(PROGRAMS) == ["pyarrow", "ADBC, Python", "polars", "pandas", "DuckDB"]


@pytest.mark.parametrize(
    ("title", "printed"),
    [
        ("pyarrow", "[{'answer': 42}]"),
        ("ADBC, Python", "[{'name': 'fig'}]"),
        ("polars", "Rome"),
        ("pandas", "12"),
        ("DuckDB", "4999950000"),
    ],
)
def test_a_program_prints_what_the_page_promises(flight: FlightService, title: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[title]],
        env={**os.environ, "FLIGHT_URI": flight.uri, "API_KEY": flight.admin},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert printed in done.stdout, done.stderr
