"""docs/settings.md says what the code says."""

from __future__ import annotations

from pathlib import Path

from hatidata_settings.page import settings_page
from hatidata_settings.settings import RULES

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_every_setting_is_on_the_page_with_its_meaning() -> None:
    rows = [line for line in settings_page().splitlines() if line.startswith("| `")]

    assert len(rows) == len(RULES)
    assert all(rule.doc for _, rule in RULES.values())
