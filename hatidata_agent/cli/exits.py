"""The exit codes of `hati`, a contract with scripts: docs/cli.md lists them."""

from __future__ import annotations

import click

from hatidata_agent.errors import HatiDataError

UNEXPECTED = 1
USAGE = 2
NO_SERVICE = 3
NO_ACCESS = 4
CONFIGURATION = 78
INTERRUPTED = 130

_BY_CODE = {
    "SERVICE_UNAVAILABLE": NO_SERVICE,
    "UNAUTHORIZED": NO_ACCESS,
    "POLICY_DENIED": NO_ACCESS,
}


class Failure(click.ClickException):
    """Ends the command with one line on standard error and an exit code."""

    def __init__(self, message: str, exit_code: int = UNEXPECTED) -> None:
        super().__init__(message)
        self.status = exit_code

    def show(self, file: object = None) -> None:
        """Print each line of the message after `hati:`."""
        for line in self.message.splitlines():
            click.echo(f"hati: {line}", err=True)


def exit_code_for(error: HatiDataError) -> int:
    """Return the exit code of a refusal by the service."""
    return _BY_CODE.get(error.code, UNEXPECTED)
