"""The `hati` command: `main` is its only way in, and no traceback finds a way out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from hatidata_agent.cli.exits import INTERRUPTED, UNEXPECTED, Failure, exit_code_for
from hatidata_agent.cli.root import root
from hatidata_agent.errors import HatiDataError


def main() -> None:
    """Run `hati` with the arguments of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run `hati` with *arguments* and return its exit code; every failure is one line on standard error."""
    try:
        result = root.main(args=list(arguments), prog_name="hati", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.status if isinstance(error, Failure) else error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("hati: interrupted", file=sys.stderr)
        return INTERRUPTED
    except HatiDataError as error:
        print(_told(error), file=sys.stderr)
        return exit_code_for(error)
    except OSError as error:
        print(f"hati: {_file_fault(error)}", file=sys.stderr)
        return UNEXPECTED
    except Exception as error:  # noqa: BLE001 - the last border: a person reads what comes out of here
        return _defect(error)
    return result if isinstance(result, int) else 0


def _told(error: HatiDataError) -> str:
    asked = f" (query {error.query_id})" if error.query_id else ""
    return f"hati: {error.message}{asked} [{error.code}]"


def _file_fault(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {what}" if error.filename else what


def _defect(error: Exception) -> int:
    if os.environ.get("HATI_TRACEBACK"):
        raise error
    first = (str(error).splitlines() or [""])[0]
    print(f"hati: unexpected {type(error).__name__}: {first} (HATI_TRACEBACK=1 shows where)", file=sys.stderr)
    return UNEXPECTED
