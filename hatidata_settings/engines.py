"""The remote engines of config.toml: one table `[engines.NAME]` for each.

Values may name environment variables as `${NAME}`, so that no password has to be
in the file. What they hold shows in no repr, log or error text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

DIALECTS: Final = ("spark", "postgres", "duckdb")
RESERVED: Final = frozenset(
    {"main", "temp", "hatidata", "memory", "system", "information_schema", "pg_catalog"}
)
"""Names that SQL already gives a meaning."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """One remote engine, whose tables are the catalog `name`.

    Attributes:
        driver: `flightsql` or `postgresql` (packages adbc-driver-*), or the path or name of any ADBC driver.
        options: Of the driver's database, as the driver calls them.
        dialect: What the engine speaks, as sqlglot calls it.
        tables: `table` or `schema.table`; empty shows all that the engine tells of.
        catalogs: Schemas, as `schema` or `catalog.schema`, that are shown whole; empty is the default one.
        connections: Most that are open at once.
        connect_secs: Longest time to connect, and to answer a health check.
        refresh_secs: How old the knowledge of its tables may get.
    """

    name: str
    driver: str
    uri: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    dialect: str = "spark"
    tables: tuple[str, ...] = ()
    catalogs: tuple[str, ...] = ()
    connections: int = 16
    connect_secs: int = 5
    refresh_secs: int = 60


_SPANS: Final = {"connections": (1, 1024), "connect_secs": (1, 300), "refresh_secs": (1, 86_400)}
_KEYS: Final = tuple(entry.name for entry in fields(EngineSettings) if entry.name != "name")


def read_engines(
    found: object, environ: Mapping[str, str], report: Callable[[str], None]
) -> tuple[EngineSettings, ...]:
    """Return the engines of the file's table `engines`; every fault is reported, none with a value in it."""
    if not isinstance(found, dict):
        report("config.toml: engines: is not a table of tables, such as [engines.cluster]")
        return ()
    engines = []
    for name, table in found.items():
        faults = list(_faults(name, table, environ))
        for fault in faults:
            report(f"config.toml: engines.{name}{fault}")
        if not faults:
            engines.append(_engine(name, table, environ))
    return tuple(engines)


def _faults(name: str, table: object, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with one engine, each beginning where it is."""
    if not _NAME.fullmatch(name) or name in RESERVED:
        yield ": is no name for an engine; small letters, digits and _, and none that SQL knows already"
    if not isinstance(table, dict):
        yield ": is not a table"
        return
    for key in table:
        if key not in _KEYS:
            yield f".{key}: unknown; known are {', '.join(_KEYS)}"
    if not table.get("driver"):
        yield ".driver: is missing"
    if table.get("dialect") not in DIALECTS:
        yield f".dialect: is none of {', '.join(DIALECTS)}"
    for key in _KEYS:
        if key in table and not _fits(key, table[key]):
            yield f".{key}: {_WANTED.get(key, 'is not a text')}"
    for text in _texts(table):
        for variable in _VARIABLE.findall(text):
            if variable not in environ:
                yield f": the variable {variable} is not set"


_WANTED: Final = {
    "options": "is not a table of texts",
    "tables": "is not a list of texts",
    "catalogs": "is not a list of texts",
} | {key: f"is not an integer between {low} and {high}" for key, (low, high) in _SPANS.items()}


def _fits(key: str, value: object) -> bool:
    if key in _SPANS:
        low, high = _SPANS[key]
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if key == "options":
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if key in ("tables", "catalogs"):
        return isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return isinstance(value, str)


def _texts(table: Mapping[str, Any]) -> list[str]:
    options = table.get("options")
    inner = list(options.values()) if isinstance(options, dict) else []
    return [value for value in [table.get("driver"), table.get("uri"), *inner] if isinstance(value, str)]


def _engine(name: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> EngineSettings:
    def filled(text: str) -> str:
        return _VARIABLE.sub(lambda found: environ[found[1]], text)

    known: dict[str, Any] = {key: value for key, value in table.items() if key in _SPANS or key == "dialect"}
    return EngineSettings(
        name=name,
        driver=filled(table["driver"]),
        uri=filled(table.get("uri", "")),
        options={key: filled(value) for key, value in table.get("options", {}).items()},
        tables=tuple(table.get("tables", ())),
        catalogs=tuple(table.get("catalogs", ())),
        **known,
    )
