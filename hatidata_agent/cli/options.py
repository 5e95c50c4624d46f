"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar

import click

from hatidata_agent.cli.exits import CONFIGURATION, NO_SERVICE, USAGE, Failure
from hatidata_agent.client import HatiDataAgent
from hatidata_agent.credentials import default_home, find_key
from hatidata_settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from hatidata_agent.service.endpoints import Endpoints

CONNECT_SECS: Final = 4.0
"""How long a person waits to hear that nobody answers; the service itself takes 2 s to give up Flight."""

_PEM = click.Path(path_type=Path, exists=True, dir_okay=False)

Command = TypeVar("Command", bound=Callable[..., object])


def home_option(command: Command) -> Command:
    """Add `--home`; it also works before the command's name."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        callback=_home,
        help="Where everything lives (HATIDATA_HOME, ./.hati).",
    )(command)


def _home(ctx: click.Context, _: click.Parameter, value: Path | None) -> Path:
    before = ctx.find_object(Path)
    return (value or before or default_home()).absolute()


def examples(*lines: str) -> str:
    """Return the epilog that shows *lines* as examples, unwrapped."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def settings_of(home: Path, overrides: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of *home*.

    Raises:
        Failure: With every fault on its own line.
    """
    try:
        return load_settings(home, os.environ, overrides or {})
    except SettingsError as error:
        raise Failure("\n".join(error.faults), CONFIGURATION) from None


class TlsFiles(TypedDict):
    """PEM files, as `HatiDataAgent` takes them."""

    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None


def tls_options(command: Command) -> Command:
    """Add the options that name certificates; the command gets `tls_files`."""

    @click.option("--ca-file", type=_PEM, help="Authority of the service's certificate; implies TLS.")
    @click.option("--cert-file", type=_PEM, help="Certificate for a service that asks for one.")
    @click.option("--key-file", type=_PEM, help="Its private key.")
    @functools.wraps(command)
    def wrapped(
        ca_file: Path | None, cert_file: Path | None, key_file: Path | None, **options: object
    ) -> object:
        if (cert_file is None) != (key_file is None):
            raise Failure("--cert-file and --key-file go together", USAGE)
        files = TlsFiles(ca_file=ca_file, cert_file=cert_file, key_file=key_file)
        return command(tls_files=files, **options)

    return wrapped  # type: ignore[return-value]  # it takes what click passes, not what *command* takes


def connection_options(command: Command) -> Command:
    """Add the options that say which service to use; the command gets `agent`, a `HatiDataAgent`."""

    @home_option
    @click.option("--host", help="Where the gateway is; without it, the running service of this home.")
    @click.option("--port", type=click.IntRange(1, 65_535), help="The gateway's port (5439).")
    @click.option("--agent", "agent_id", default="", help="Name the agent for this query.")
    @tls_options
    @functools.wraps(command)
    def wrapped(
        home: Path, host: str | None, port: int | None, agent_id: str, tls_files: TlsFiles, **options: object
    ) -> object:
        found, known_port, tls = _address(home, host, port)
        with HatiDataAgent(
            found,
            known_port,
            agent_id,
            "hati",
            find_key(None, home),
            tls=tls,
            connect_timeout=CONNECT_SECS,
            **tls_files,
        ) as agent:
            return command(agent=agent, **options)

    return wrapped  # type: ignore[return-value]  # it takes what click passes, not what *command* takes


def running_service(home: Path) -> Endpoints:
    """Return where the service of *home* listens.

    Raises:
        Failure: None runs; the addresses of one that was killed are not believed.
    """
    from hatidata_agent.service.endpoints import read_endpoints
    from hatidata_agent.service.instance import serving_pid

    run = home / "run"
    try:
        pid = serving_pid(run)
    except PermissionError:
        pid = 0  # another user's service: who holds its lock cannot be seen
    if pid is None:
        raise Failure(
            f"no service is running for {home}: start it with `hati init` or `hati serve`", NO_SERVICE
        )
    endpoints = read_endpoints(run / "endpoints.json")
    if endpoints is None:
        raise Failure(
            f"the service of {home} is still starting, or cannot: see `hati status` and its log", NO_SERVICE
        )
    return endpoints


def _address(home: Path, host: str | None, port: int | None) -> tuple[str, int, bool]:
    if host or port:
        return host or "localhost", port or 5439, False
    from urllib.parse import urlsplit

    from hatidata_agent.service.endpoints import port_of

    endpoints = running_service(home)
    parts = urlsplit(endpoints.http)
    return parts.hostname or "localhost", port_of(endpoints.http), parts.scheme == "https"
