"""Every program in examples/ runs against a service; only ports and key are not those it names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hatidata_agent.service.endpoints import port_of
from tests.fixtures.service import Service, plain_environment

FOLDER = Path(__file__).parents[2] / "examples"

EXPECTED = {
    "documents/arrow_polars_ml_pipeline.py": "=== Predictions Stored ===",
    "documents/arrow_native_queries_pandas.py": "order_id",
    "documents/arrow_native_queries_polars.py": "North America",
    "documents/arrow_query_api.py": "orders of cust-123",
    "feature_pipeline.py": "=== Predictions Stored ===",
    "flight_client.py": "5 rows for",
    "refusals.py": "Too slow: QUERY_TIMEOUT",
    "stream_large_result.py": "Pending, twenty times over",
}


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    """A key that sees everything."""
    return service.key("--role", "admin")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_example_runs(service: Service, key: str, name: str, tmp_path: Path) -> None:
    text = (FOLDER / name).read_text()
    text = re.sub(r"\b5439\b", str(port_of(service.endpoints.http)), text)
    text = re.sub(r"\b5440\b", str(port_of(service.endpoints.mcp)), text)
    text = re.sub(r"hd_live_[\w.]+", key, text)
    (tmp_path / Path(name).name).write_text(text)
    done = subprocess.run(
        [sys.executable, str(tmp_path / Path(name).name)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=plain_environment(),
    )

    assert done.returncode == 0, done.stderr
    assert EXPECTED[name] in done.stdout


def test_every_example_is_run() -> None:
    found = [*FOLDER.glob("*.py"), *FOLDER.glob("documents/*.py")]

    assert {str(path.relative_to(FOLDER)) for path in found} == set(EXPECTED)
