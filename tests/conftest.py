"""Loads the fixture plugins and sets what holds for every test; the fixtures are in tests/fixtures."""

from __future__ import annotations

from pathlib import Path

import hypothesis

hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

pytest_plugins = [
    f"tests.fixtures.{plugin.stem}"
    for plugin in sorted((Path(__file__).parent / "fixtures").glob("[!_]*.py"))
]
