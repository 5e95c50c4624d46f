"""A new home, and one that is there already."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

from hatidata_agent.service.config import starting_config
from hatidata_agent.service.home import create_home
from hatidata_settings import load_settings
from hatidata_settings.settings import RULES

POLICY_FILES = ["access.cedar", "limits.yaml", "masks.yaml", "row_filters.yaml"]


def _contents(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_new_home_has_its_settings_policies_and_gitignore(tmp_path: Path) -> None:
    new = create_home(tmp_path / "hati", demo=False)

    assert new
    assert sorted(_contents(tmp_path / "hati")) == sorted(
        [".gitignore", "config.toml", *(f"policies/{name}" for name in POLICY_FILES)]
    )


def test_nobody_else_may_look_into_a_home(tmp_path: Path) -> None:
    create_home(tmp_path / "hati", demo=False)

    assert (tmp_path / "hati").stat().st_mode & 0o077 == 0


def test_a_second_creation_changes_nothing(tmp_path: Path) -> None:
    create_home(tmp_path, demo=False)
    (tmp_path / "config.toml").write_text("http_port = 1\n")
    (tmp_path / "policies" / "masks.yaml").unlink()
    before = _contents(tmp_path)

    new = create_home(tmp_path, demo=True)

    assert (new, _contents(tmp_path)) == (False, before)


def test_the_demo_starts_with_masks_and_filters(tmp_path: Path) -> None:
    create_home(tmp_path, demo=True)

    masks = yaml.safe_load((tmp_path / "policies" / "masks.yaml").read_text())
    filters = yaml.safe_load((tmp_path / "policies" / "row_filters.yaml").read_text())

    assert {mask["column"] for mask in masks} == {"card_number", "email", "phone"}
    assert [entry["table"] for entry in filters] == ["orders"]


def test_a_home_without_the_demo_masks_nothing(tmp_path: Path) -> None:
    create_home(tmp_path, demo=False)

    assert yaml.safe_load((tmp_path / "policies" / "masks.yaml").read_text()) == []


def test_the_starting_settings_are_dev_mode_and_defaults(tmp_path: Path) -> None:
    create_home(tmp_path, demo=False)
    settings = load_settings(tmp_path, {}, {})

    assert settings.dev_mode
    assert tomllib.loads(starting_config()) == {"dev_mode": True}


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"dev_mode"}))
def test_every_setting_can_be_uncommented(name: str) -> None:
    lines = [line for line in starting_config().splitlines() if line.startswith(f"# {name} = ")]

    assert tomllib.loads(lines[0].removeprefix("# ")).keys() == {name}
