"""Writes docs/settings.md from the settings themselves, so that the page cannot lie."""

from __future__ import annotations

from hatidata_settings.load import environment_name
from hatidata_settings.settings import RULES, Rule, Setting

_INTRODUCTION = """\
# Settings

This page is written by `python -m hatidata_settings > docs/settings.md`; a test keeps it current.

A setting comes from the command line (`hati serve --http-port 0`), else from its environment variable,
else from `HOME/config.toml`, else it has its default. All faults are reported at once, and any fault stops
the start: a value of the wrong type or out of range, an unknown key or table of the file, an unknown
variable that starts with `HATIDATA_`.

- Relative paths hang on `HOME` in the file, and on the current folder in variables and on the command line.
- `dev_mode` is refused unless `host` is a loopback address. `hati init` writes `dev_mode = true`.
- Variables say true and false as `true`/`false`, `1`/`0`, `yes`/`no` or `on`/`off`.
- A `query_timeout_secs` below `default_timeout_ms` lowers it too, unless that is set as well.
- `HATIDATA_HOME`, `HATIDATA_API_KEY`, `HATIDATA_PORT`, `HATIDATA_USER` and `HATIDATA_CLOUD_KEY` belong to
  clients, and the service leaves them alone.

| key | variable | default | unit | values | meaning |
|---|---|---|---|---|---|
"""


_ENGINES = """
Remote engines are tables `[engines.NAME]` of the file and have no variables of their own; `${VARIABLE}` in
their texts is filled from the environment. Their keys: `driver`, `uri`, `options`, `dialect`, `tables`,
`catalogs`, `connections`, `connect_secs`, `refresh_secs`; [engines.md](engines.md) says what they mean.
"""


def settings_page() -> str:
    """Return the whole of docs/settings.md."""
    rows = "".join(_row(key, default, rule) for key, (default, rule) in RULES.items())
    return _INTRODUCTION + rows + _ENGINES


def _row(name: str, default: Setting, rule: Rule) -> str:
    cells = (
        f"`{name}`",
        f"`{environment_name(name)}`",
        _default(default),
        rule.unit,
        _values(default, rule),
        rule.doc,
    )
    return "| " + " | ".join(cells) + " |\n"


def _default(default: Setting) -> str:
    match default:
        case bool():
            return str(default).lower()
        case "" | ():
            return "(empty)"
        case _:
            return f"`{default}`"


def _values(default: Setting, rule: Rule) -> str:
    if rule.span:
        return f"{rule.span[0]} to {rule.span[1]}"
    if rule.choices:
        return ", ".join(f"`{choice}`" for choice in rule.choices)
    kinds = {bool: "true, false", str: "path" if rule.path else "text", tuple: "paths"}
    return kinds[type(default)]
