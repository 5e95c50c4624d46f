"""`hati keys`: the keys of a home, in HOME/keys.db; it works whether or not the service runs."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hatidata_agent.cli.exits import CONFIGURATION, USAGE, Failure
from hatidata_agent.cli.options import examples, home_option

if TYPE_CHECKING:
    from flight_server.stores.keys import KeyStore
    from flight_server.stores.keys_record import KeyRecord

_PREFIX_LENGTH = 12
_TABLE_WIDTH = 120
_TITLES = ("prefix", "roles", "agent", "attributes", "certificate", "created", "last used", "state")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d+)([mhdw])")


@click.group(name="keys")
def command() -> None:
    """Create, list and revoke API keys."""


@command.command(
    epilog=examples(
        "hati keys create --role admin",
        "hati keys create --role analyst --agent report-bot --attr region=Europe --expires-in 30d",
        "export HATIDATA_API_KEY=$(hati keys create --role developer --test)",
        "hati keys create --role analyst --agent nightly --certificate nightly.example",
    )
)
@home_option
@click.option(
    "--role", "roles", multiple=True, required=True, help="A role of the policies; may be repeated."
)
@click.option("--agent", "agent_id", default="", help="Tie the key to one agent.")
@click.option("--framework", default="custom", show_default=True, help="What the agent is built with.")
@click.option("--attr", "attributes", multiple=True, metavar="NAME=VALUE", help="An attribute for policies.")
@click.option("--expires-in", metavar="30d", help="Minutes (m), hours (h), days (d) or weeks (w).")
@click.option("--allow-agent-override", is_flag=True, help="Let the holder name the agent with X-Agent-Id.")
@click.option(
    "--certificate",
    metavar="CN",
    default="",
    help="A client certificate of this common name acts as the key, over Flight with client_ca set.",
)
@click.option("--test", "is_test", is_flag=True, help="A key for tests: not counted against quotas.")
def create(
    home: Path,
    roles: tuple[str, ...],
    agent_id: str,
    framework: str,
    attributes: tuple[str, ...],
    expires_in: str | None,
    allow_agent_override: bool,
    certificate: str,
    is_test: bool,
) -> None:
    """Print a new key, once, alone on standard output. Only its hash is kept."""
    pairs = dict(_pair(text) for text in attributes)
    lifetime = _duration(expires_in) if expires_in else None
    with _store(home) as store, _named_faults():
        key = store.create(
            roles=roles,
            agent_id=agent_id,
            framework=framework,
            attributes=pairs,
            expires_in=lifetime,
            allow_agent_override=allow_agent_override,
            certificate_cn=certificate,
            environment=_environment(agent_id, is_test),
        )
    print(key)


@command.command(name="list", epilog=examples("hati keys list", "hati keys list --json"))
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each key.")
def list_keys(home: Path, as_json: bool) -> None:
    """List the keys by prefix; a key itself cannot be shown again."""
    with _store(home) as store:
        records = store.list()
    if not as_json:
        _print_table(records)
        return
    for record in records:
        print(
            json.dumps({entry.name: getattr(record, entry.name) for entry in fields(record)}, default=_plain)
        )


@command.command(epilog=examples("hati keys revoke hd_live_a1b2"))
@home_option
@click.argument("prefix")
def revoke(home: Path, prefix: str) -> None:
    """Revoke the keys whose text starts with PREFIX; running services refuse them at once."""
    if len(prefix) < _PREFIX_LENGTH:
        raise Failure(f"give the first {_PREFIX_LENGTH} characters, as `hati keys list` shows them", USAGE)
    with _store(home) as store:
        count = store.revoke(prefix)
    if count == 0:
        raise Failure(f"no active key starts with {prefix[:_PREFIX_LENGTH]}")
    print(f"Revoked {count} key{'' if count == 1 else 's'}.")


@contextmanager
def _store(home: Path) -> Iterator[KeyStore]:
    if not home.is_dir():
        raise Failure(f"{home} does not exist: create it with `hati init`", CONFIGURATION)
    from flight_server.stores.keys import KeyStore

    store = KeyStore.open(home / "keys.db")
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _named_faults() -> Iterator[None]:
    """Turn what the store refuses into a line for the user."""
    try:
        yield
    except ValueError as error:
        raise Failure(str(error), USAGE) from None


def _environment(agent_id: str, is_test: bool) -> Literal["live", "test", "agent"]:
    if is_test:
        return "test"
    return "agent" if agent_id else "live"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--attr")
    return name, value


def _duration(text: str) -> dt.timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(f"{text!r} is not like 30d, 12h or 2w", param_hint="--expires-in")
    try:
        return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise click.BadParameter(f"{text!r} is too long", param_hint="--expires-in") from None


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)


def _print_table(records: list[KeyRecord]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if not records:
        print("There are no keys yet: make one with `hati keys create --role ROLE`.")
        return
    now = dt.datetime.now(dt.UTC)
    table = Table(*_TITLES, box=box.SIMPLE_HEAD, show_edge=False)
    for record in records:
        table.add_row(*_cells(record, now))
    Console(width=max(_TABLE_WIDTH, Console().width)).print(table)


def _cells(record: KeyRecord, now: dt.datetime) -> tuple[str, ...]:
    attributes = " ".join(f"{name}={value}" for name, value in record.attributes.items())
    return (
        record.prefix,
        " ".join(sorted(record.roles)),
        record.agent_id + (" (may override)" if record.allow_agent_override else ""),
        attributes,
        record.certificate_cn,
        _minute(record.created_at),
        _minute(record.last_used_at),
        _state(record, now),
    )


def _state(record: KeyRecord, now: dt.datetime) -> str:
    if record.revoked_at is not None:
        return "revoked"
    if record.expires_at is None:
        return "active"
    return f"{'active until' if record.expires_at > now else 'expired'} {_minute(record.expires_at)}"


def _minute(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")
