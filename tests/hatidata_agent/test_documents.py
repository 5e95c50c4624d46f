"""The pages that people read first: their programs run, their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from hatidata_agent.cli.root import root
from hatidata_agent.service.endpoints import port_of
from tests.fixtures.service import Service, plain_environment

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/cli.md", "docs/sdk.md")
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!http)([^)#]+)")


def _blocks() -> Iterator[ParameterSet]:
    for page in PAGES:
        for number, found in enumerate(BLOCK.finditer((ROOT / page).read_text()), 1):
            yield pytest.param(found[1], found[2], id=f"{page}-{number}")


def _with_ports(text: str, service: Service) -> str:
    ports = {"5439": service.endpoints.http, "8815": service.endpoints.flight}
    for default, uri in ports.items():
        text = text.replace(default, str(port_of(uri)))
    return text


@pytest.mark.parametrize(("language", "text"), tuple(_blocks()))
def test_what_a_page_tells_to_paste_runs(service: Service, language: str, text: str, tmp_path: Path) -> None:
    program = [sys.executable, "-c"] if language == "python" else ["bash", "-euc"]
    beside = str(Path(sys.executable).parent)
    done = subprocess.run(
        [*program, _with_ports(text, service)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=plain_environment()
        | {"HATIDATA_HOME": str(service.home), "PATH": os.pathsep.join([beside, os.environ["PATH"]])},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout or list(tmp_path.iterdir())
    assert '"error"' not in done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_no_link_of_a_page_is_dead(page: str) -> None:
    targets = LINK.findall((ROOT / page).read_text())

    assert [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()] == []


def test_every_command_is_described() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    names = root.list_commands(root.make_context("hati", [], resilient_parsing=True))

    assert [name for name in names if f"hati {name}" not in text] == []
