"""The root of `hati`: a table of commands, each imported only when it is used."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

import click

_PACKAGE = "hatidata_agent.cli"

_COMMANDS = {
    "init": "Create a home for data and policies, and start the service.",
    "serve": "Run the service in the foreground.",
    "stop": "Stop the service of this home.",
    "status": "Say whether the service runs, and where.",
    "query": "Run SQL and print or save the answer.",
    "load": "Load Parquet, CSV, JSON or Arrow files into tables.",
    "keys": "Create, list and revoke API keys.",
    "policy": "Check, explain, test and reload policies.",
    "audit": "Verify and follow the audit log.",
    "mcp": "Serve MCP over standard input and output.",
    "completion": "Print the completion script of a shell.",
}


class _Commands(click.Group):
    """Knows its commands by name and help text; loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands whose module is there."""
        return [name for name in _COMMANDS if find_spec(f"{_PACKAGE}.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command called *cmd_name*."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{_PACKAGE}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: hati init --demo, then hati query 'SELECT * FROM orders LIMIT 5'",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything lives (HATIDATA_HOME, ./.hati).",
)
@click.version_option(package_name="hatidata-agent", prog_name="hati")
@click.pass_context
def root(ctx: click.Context, home: Path | None) -> None:
    """SQL in, Arrow out, under policies: the HatiData service and its client."""
    ctx.obj = home
