"""`python -m hatidata_agent` is the `hati` command."""

from __future__ import annotations

from hatidata_agent.cli import main

main()
