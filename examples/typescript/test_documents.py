"""The documents' TypeScript programs, compiled and run against a service: `make test-typescript`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hatidata_agent.service.endpoints import port_of
from tests.fixtures.service import Service, plain_environment

FOLDER = Path(__file__).parent
EXPECTED = {
    "arrow_native_queries": r"^\d+ rows, \d+ columns$",
    "arrow_query_api": r"^[1-9]\d* rows in \d+ms$",
}


@pytest.fixture(scope="module")
def programs(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs with the ports of a service in the place of theirs, compiled."""
    folder = tmp_path_factory.mktemp("typescript")
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(FOLDER / name, folder)
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    for path in FOLDER.glob("*.ts"):
        text = path.read_text()
        text = re.sub(r"\b5439\b", str(port_of(service.endpoints.http)), text)
        text = re.sub(r"\b5440\b", str(port_of(service.endpoints.mcp)), text)
        text = re.sub(r"hd_live_[\w.]+", service.key("--role", "admin"), text)
        (folder / path.name).write_text(text)
    built = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout
    return folder / "build"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_program_of_the_documents_runs(programs: Path, service: Service, name: str) -> None:
    environment = plain_environment() | {"HATIDATA_API_KEY": service.key("--role", "analyst")}
    done = subprocess.run(
        ["node", f"{name}.js"], cwd=programs, capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 0, done.stderr
    assert re.search(EXPECTED[name], done.stdout, re.MULTILINE)


def test_every_program_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.ts")} == set(EXPECTED)


def test_the_lock_names_no_registry() -> None:
    assert "://" not in re.sub(r'"(funding|url)": "[^"]*"', "", (FOLDER / "package-lock.json").read_text())
