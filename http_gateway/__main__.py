"""`python -m http_gateway`: reads the settings and serves."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hatidata_settings import SettingsError, load_settings
from http_gateway.server import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, or print every fault of the settings and return 2."""
    given = vars(_parser().parse_args(arguments))
    home = Path(given.pop("home"))
    try:
        settings = load_settings(home, os.environ, given)
    except SettingsError as faults:
        sys.stderr.write("".join(f"{fault}\n" for fault in faults.faults))
        return 2
    serve(settings)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m http_gateway", description="The HTTP gateway of HatiData."
    )
    parser.add_argument(
        "--home", default=os.environ.get("HATIDATA_HOME", ".hati"), help="where everything lives"
    )
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--http-port", type=int, help="0 lets the system choose")
    parser.add_argument("--mcp-port", type=int, help="0 lets the system choose")
    parser.add_argument("--tls", action="store_true", default=None, help="serve HTTPS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
