"""The first config.toml: dev mode on, and every other setting as a comment with its default."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hatidata_settings.settings import RULES, Rule, Setting

_HEAD = """\
# Settings of this HatiData home; docs/settings.md explains them. HATIDATA_* variables and options win.

# Requests without a key act as principal `dev` with role `admin`. On a loopback address only;
# turn it off before anybody else can reach this machine, and make keys with `hati keys create`.
dev_mode = true
"""


def starting_config() -> str:
    """Return the text of a new config.toml."""
    return _HEAD + "".join(_lines())


def _lines() -> Iterator[str]:
    for name, (default, rule) in RULES.items():
        if name != "dev_mode":
            yield f"\n# {_meaning(rule)}\n# {name} = {_toml(default)}\n"


def _meaning(rule: Rule) -> str:
    return f"{rule.doc} ({rule.unit})." if rule.unit else f"{rule.doc}."


def _toml(value: Setting) -> str:
    return json.dumps(value)
