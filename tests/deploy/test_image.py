"""What goes into the image, and what the deployment files say of the service."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from deploy.lock import ROOT, image_locks
from hatidata_settings.load import CLIENT_VARIABLES, environment_name
from hatidata_settings.settings import RULES

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def files() -> list[Path]:
    """Every file of deploy/."""
    return [file for file in DEPLOY.rglob("*") if file.is_file() and file.suffix != ".pyc"]


def test_the_locks_of_the_image_are_those_of_the_repository() -> None:
    assert {file.name: file.read_text() for file in image_locks()} == {
        file.name: text for file, text in image_locks().items()
    }


def test_the_image_has_no_tools_of_developers() -> None:
    pinned = re.findall(r"^([\w.-]+)==", (DEPLOY / "requirements.lock").read_text(), re.MULTILINE)

    assert {"pytest", "mypy", "ruff", "pandas"} & set(pinned) == set()
    assert {"duckdb", "pyarrow", "opentelemetry-sdk", "wordllama"} <= set(pinned)


def test_the_image_holds_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])

    assert set(re.findall(r"^COPY (\w+) \w+$", DOCKERFILE, re.MULTILINE)) == packages
    assert packages <= set(
        re.findall(r"^!(\w+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    )


def test_the_image_runs_without_root_from_a_pinned_base() -> None:
    assert re.search(r"^ARG BASE=python:3\.11\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE
    assert DOCKERFILE.count("--require-hashes") == DOCKERFILE.count(" -r ") == 2


def test_every_variable_of_the_deployment_is_a_setting() -> None:
    known = {environment_name(key) for key in RULES} | CLIENT_VARIABLES
    named = {
        name for file in files() for name in re.findall(r"HATIDATA_[A-Z0-9_]*[A-Z0-9]", file.read_text())
    }

    assert named - known == {"HATIDATA_"} & named
    assert len(named & known) > 8


def test_no_container_of_the_compose_file_can_write_or_gain_rights() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]

    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_the_chart_names_secrets_and_holds_none() -> None:
    values = yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text())
    templates = "".join(file.read_text() for file in (DEPLOY / "chart" / "templates").iterdir())

    assert values["gatewayToken"] == {"existingSecret": ""}
    assert values["tls"] == {"existingSecret": ""}
    assert "kind: Secret" not in templates
    assert "enableServiceLinks: false" in templates
