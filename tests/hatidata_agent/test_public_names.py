"""What the package offers, and what it costs to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hatidata_agent

HEAVY = {"pyarrow", "urllib3", "polars", "pandas", "numpy", "rich", "duckdb", "flight_server", "click"}


def test_everything_public_is_listed_once_and_in_order() -> None:
    names = [
        alias.asname or alias.name
        for node in ast.walk(ast.parse(Path(hatidata_agent.__file__).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    ]

    assert sorted(names) == hatidata_agent.__all__


def _imported_by(program: str) -> set[str]:
    shown = f"{program}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return {line.split(".")[0] for line in done.stderr.splitlines()}


def test_importing_the_sdk_loads_nothing_heavy() -> None:
    assert _imported_by("import hatidata_agent") & HEAVY == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["init", "--help"], ["serve", "--help"], ["query", "--help"]]
)
def test_help_loads_nothing_heavy_but_the_parser(arguments: list[str]) -> None:
    imported = _imported_by(f"from hatidata_agent.cli import run\nassert run({arguments}) == 0")

    assert imported & HEAVY == {"click"}
