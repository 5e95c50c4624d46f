"""Where a key comes from when none is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatidata_agent.credentials import default_home, find_key


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "api_key").write_text("from-home\n")
    return tmp_path


def test_a_key_that_is_given_wins(home: Path) -> None:
    assert find_key("given", home, {"HATIDATA_API_KEY": "from-environment"}) == "given"


def test_an_empty_key_means_none_on_purpose(home: Path) -> None:
    assert find_key("", home, {"HATIDATA_API_KEY": "from-environment"}) == ""


def test_the_environment_wins_over_home(home: Path) -> None:
    assert find_key(None, home, {"HATIDATA_API_KEY": "from-environment"}) == "from-environment"


def test_home_is_the_last_place(home: Path) -> None:
    assert find_key(None, home, {}) == "from-home"


def test_without_any_place_there_is_no_key(tmp_path: Path) -> None:
    assert find_key(None, tmp_path, {}) == ""


def test_home_is_named_by_the_environment() -> None:
    assert default_home({"HATIDATA_HOME": "elsewhere"}) == Path("elsewhere")
    assert default_home({}) == Path(".hati")
