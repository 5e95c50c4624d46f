"""`hati serve`: the service in the foreground."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hatidata_agent.cli.exits import CONFIGURATION, Failure
from hatidata_agent.cli.options import examples, home_option, settings_of
from hatidata_agent.service.endpoints import Endpoints
from hatidata_agent.service.home import Home
from hatidata_settings import Settings

_PORT = click.IntRange(0, 65_535)


@click.command(epilog=examples("hati serve", "hati serve --http-port 8080 --host 0.0.0.0 --tls"))
@home_option
@click.option("--host", help="The address to listen on (127.0.0.1).")
@click.option("--http-port", type=_PORT, help="HTTP (5439). For every port, 0 lets the system choose.")
@click.option("--mcp-port", type=_PORT, help="MCP and HTTP (5440).")
@click.option("--flight-port", type=_PORT, help="Flight and Flight SQL (8815).")
@click.option("--health-port", type=_PORT, help="gRPC health (8816).")
@click.option("--metrics-port", type=_PORT, help="Prometheus metrics (9090).")
@click.option("--tls", is_flag=True, default=None, help="Serve over TLS, with tls_cert and tls_key.")
def command(home: Path, **overrides: object) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    The first signal drains: no new queries, and those that run get drain_grace_secs. A second
    one ends everything at once. SIGHUP reloads the policies.
    """
    from hatidata_agent.service.instance import AlreadyServedError, Instance

    if not home.is_dir():
        raise Failure(f"{home} does not exist: create it with `hati init --no-start`", CONFIGURATION)
    settings = settings_of(home, overrides)
    try:
        with Instance(Home(home).run):
            _serve(settings)
    except AlreadyServedError as error:
        raise Failure(str(error)) from None


def _serve(settings: Settings) -> None:
    from hatidata_agent.service.log import log_for
    from hatidata_agent.service.ports import port_faults
    from hatidata_agent.service.supervisor import BadConfigurationError, serve

    if faults := list(port_faults(settings)):
        raise Failure("\n".join(faults), CONFIGURATION)
    log = log_for(settings.log_format)
    try:
        serve(settings, log, lambda endpoints: _show_commands(settings, endpoints))
    except BadConfigurationError as error:
        raise Failure(str(error), CONFIGURATION) from None


def _show_commands(settings: Settings, endpoints: Endpoints) -> None:
    """Print the commands to try, where a person is likely to read them."""
    if not (sys.stdout.isatty() or settings.dev_mode):
        return
    from hatidata_agent.service.welcome import welcome

    demo = Home(settings.home).demo_mark.exists()
    print(welcome(endpoints, dev_mode=settings.dev_mode, demo=demo), flush=True)
