"""Reads the settings: override, then environment, then HOME/config.toml, then default.

Nothing stops at the first fault: an operator sees all of them at once, each with
the file or variable and the key that it is about.
"""

from __future__ import annotations

import difflib
import importlib.util
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from hatidata_settings.engines import read_engines
from hatidata_settings.settings import MEMORY_DATABASE, RULES, Setting, Settings, is_loopback

CONFIG_FILE: Final = "config.toml"
ENGINES: Final = "engines"
PREFIX: Final = "HATIDATA_"
CLIENT_VARIABLES: Final = frozenset(
    PREFIX + name for name in ("HOME", "API_KEY", "PORT", "USER", "CLOUD_KEY")
)
"""Variables that clients read; the service leaves them alone."""

_WORDS: Final = {"true": True, "1": True, "yes": True, "on": True} | {
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
EXPORTER: Final = "opentelemetry.exporter.otlp.proto.grpc"
_COLLECTOR: Final = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/@:]+):[0-9]+/?")
_PORTS: Final = ("http_port", "mcp_port", "flight_port", "health_port", "metrics_port")


class SettingsError(Exception):
    """Settings that cannot be used.

    Args:
        faults: One sentence for each fault, with its file or variable and key.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class _BadValueError(ValueError):
    """What is wrong with one value, without where it comes from."""


@dataclass(frozen=True, slots=True)
class _Given:
    """One value as it was found: *label* names its place, relative paths hang on *base*."""

    key: str
    label: str
    value: object
    base: Path
    text: bool = False


def load_settings(home: Path, environ: Mapping[str, str], overrides: Mapping[str, object]) -> Settings:
    """Return the settings of *home*; an override of None is one that was not given.

    Raises:
        SettingsError: With every fault of every source.
    """
    home = home.absolute()
    faults: list[str] = []
    found: dict[str, Any] = {}  # fields of many types, each checked against its rule
    file = _table(home / CONFIG_FILE, faults.append)
    if ENGINES in file:
        found[ENGINES] = read_engines(file.pop(ENGINES), environ, faults.append)
    for given in _all_given(home, file, environ, overrides, faults.append):
        try:
            found[given.key] = _checked(given)
        except _BadValueError as fault:
            faults.append(f"{given.label}: {fault}")
    settings = _under_the_ceiling(replace(Settings(home=home), **found), found)
    faults.extend(_contradictions(settings))
    if faults:
        raise SettingsError(faults)
    return settings


def _under_the_ceiling(settings: Settings, given: Mapping[str, object]) -> Settings:
    """Let a lower ceiling lower the default time-out too, unless somebody asked for that time-out."""
    ceiling = settings.query_timeout_secs * 1000
    if "default_timeout_ms" in given or settings.default_timeout_ms <= ceiling:
        return settings
    return replace(settings, default_timeout_ms=ceiling)


def environment_name(key: str) -> str:
    """Return the variable that overrides *key*."""
    return PREFIX + key.upper()


def _all_given(
    home: Path,
    file: Mapping[str, object],
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    report: Callable[[str], None],
) -> Iterator[_Given]:
    """Yield what every source says, the weakest source first."""
    yield from _from_file(home, file, report)
    yield from _from_environment(environ, report)
    yield from _from_overrides(overrides, report)


def _from_file(home: Path, file: Mapping[str, object], report: Callable[[str], None]) -> Iterator[_Given]:
    for key, value in file.items():
        if key in RULES:
            yield _Given(key, f"{CONFIG_FILE}: {key}", value, home)
        else:
            report(f"{CONFIG_FILE}: {key}: unknown setting{_nearest(key, RULES)}")


def _table(file: Path, report: Callable[[str], None]) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        report(f"{CONFIG_FILE}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        report(f"{CONFIG_FILE}: is not UTF-8")
    except tomllib.TOMLDecodeError as error:
        report(f"{CONFIG_FILE}: {error}")
    return {}


def _from_environment(environ: Mapping[str, str], report: Callable[[str], None]) -> Iterator[_Given]:
    keys = {environment_name(key): key for key in RULES}
    for name, value in environ.items():
        if name in keys:
            yield _Given(keys[name], name, value, Path.cwd(), text=True)
        elif name.startswith(PREFIX) and name not in CLIENT_VARIABLES:
            report(f"{name}: unknown variable{_nearest(name, [*keys, *CLIENT_VARIABLES])}")


def _from_overrides(overrides: Mapping[str, object], report: Callable[[str], None]) -> Iterator[_Given]:
    for key, value in overrides.items():
        flag = f"--{key.replace('_', '-')}"
        if key not in RULES:
            report(f"{flag}: unknown setting{_nearest(key, RULES)}")
        elif value is not None:
            yield _Given(key, flag, value, Path.cwd())


def _nearest(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {match[0]}?" if match else ""


def _checked(given: _Given) -> Setting:
    default, rule = RULES[given.key]
    value = _typed(given, type(default))
    if isinstance(value, int) and rule.span and not rule.span[0] <= value <= rule.span[1]:
        raise _BadValueError(f"{value} is not between {rule.span[0]} and {rule.span[1]}")
    if rule.choices and value not in rule.choices:
        raise _BadValueError(f"{_shown(value)} is none of {', '.join(rule.choices)}")
    return _absolute(value, given.base) if rule.path else value


def _typed(given: _Given, wanted: type[object]) -> Setting:
    if given.text:
        return _from_text(str(given.value), wanted)
    if isinstance(given.value, Path):
        return _from_text(str(given.value), wanted)
    if wanted is tuple:
        return _strings(given.value)
    if isinstance(given.value, bool | int | str) and type(given.value) is wanted:
        return given.value
    raise _BadValueError(f"{_shown(given.value)} is not {_NAMES[wanted]}")


_NAMES: Final[dict[type[object], str]] = {
    bool: "true or false",
    int: "an integer",
    str: "a string",
    tuple: "a list of strings",
}


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise _BadValueError(f"{_shown(value)} is not {_NAMES[tuple]}")


def _from_text(text: str, wanted: type[object]) -> Setting:
    if wanted is str:
        return text
    if wanted is tuple:
        return tuple(part for part in text.split(os.pathsep) if part)
    if wanted is bool and text.strip().lower() in _WORDS:
        return _WORDS[text.strip().lower()]
    if wanted is int:
        return _integer(text)
    raise _BadValueError(f"{_shown(text)} is not {_NAMES[wanted]}")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _BadValueError(f"{_shown(text)} is not {_NAMES[int]}") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _absolute(value: Setting, base: Path) -> Setting:
    if isinstance(value, tuple):
        return tuple(str(base / item) for item in value)
    if isinstance(value, str) and value not in ("", MEMORY_DATABASE):
        return str(base / value)
    return value


def _contradictions(settings: Settings) -> Iterator[str]:
    """Yield what is wrong between settings that are each right."""
    if settings.dev_mode and not is_loopback(settings.host):
        yield f"dev_mode: asks for no credentials, so it needs a loopback host, not {settings.host!r}"
    if settings.default_timeout_ms > settings.query_timeout_secs * 1000:
        yield "default_timeout_ms: is above query_timeout_secs"
    if not settings.host:
        yield "host: is empty"
    yield from _otel_faults(settings)
    yield from _gateway_faults(settings)
    yield from _shared_ports(settings)
    yield from _tls_faults(settings)
    yield from _missing_folders(settings)


def _otel_faults(settings: Settings) -> Iterator[str]:
    if not settings.otel_endpoint:
        return
    if not _COLLECTOR.fullmatch(settings.otel_endpoint):
        yield "otel_endpoint: is not http:// or https:// with a host and a port"
    if not _is_installed(EXPORTER):
        yield "otel_endpoint: needs OpenTelemetry: pip install 'hatidata-agent[otel]'"


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even its package is there
        return False


def _gateway_faults(settings: Settings) -> Iterator[str]:
    if settings.gateway_token_file and not Path(settings.gateway_token_file).is_file():
        yield f"gateway_token_file: {settings.gateway_token_file} is not a file"
    for proxy in settings.proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            yield f"trusted_proxies: {_shown(proxy)} is neither an address nor a network"


def _shared_ports(settings: Settings) -> Iterator[str]:
    owner: dict[int, str] = {}
    for name in _PORTS:
        port = int(getattr(settings, name))
        if port and port in owner:
            yield f"{name}: {port} is also {owner[port]}"
        owner.setdefault(port, name)


def _tls_faults(settings: Settings) -> Iterator[str]:
    for name in ("tls_cert", "tls_key", "client_ca"):
        file = getattr(settings, name)
        if settings.tls and not file and name != "client_ca":
            yield f"{name}: is missing, and tls is on"
        if file and not Path(file).is_file():
            yield f"{name}: {file} is not a file"
    if settings.client_ca and not settings.tls:
        yield "client_ca: means nothing while tls is off"


def _missing_folders(settings: Settings) -> Iterator[str]:
    for folder in settings.data_directories:
        if not Path(folder).is_dir():
            yield f"data_directories: {folder} is not a folder"
