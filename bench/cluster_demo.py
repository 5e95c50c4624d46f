"""`make cluster`: the service over a cluster of Sail workers, with TPC-H in it and commands to try."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.cluster_sail import files, sail, tpch
from hatidata_agent.service.home import create_home

_POLICIES: Final = {
    "row_filters.yaml": "- {table: cluster.main.customer, filter: c_nationkey < 20, exempt_roles: [admin]}\n",
    "masks.yaml": (
        "- {table: cluster.main.customer, column: c_phone, function: partial, exempt_roles: [admin]}\n"
        "- {table: cluster.main.customer, column: c_name, function: hash, exempt_roles: [admin]}\n"
    ),
}
_TRY: Final = """
Sail runs with {workers} workers and TPC-H at scale factor {scale}. Once the service says it is ready, try:

  {hati} query "SELECT l_returnflag, sum(l_quantity) AS n FROM cluster.main.lineitem GROUP BY 1"

What an analyst sees, by the row filter and the masks of {home}/policies:

  export HATIDATA_API_KEY=$({hati} keys create --role analyst --agent report-bot)
  {hati} query "SELECT c_name, c_phone, c_nationkey FROM cluster.main.customer LIMIT 5"

A join of the cluster's rows with a table of the warehouse:

  {hati} query "CREATE TABLE favourite AS SELECT 7 AS nation"
  {hati} query "SELECT count(*) AS n FROM cluster.main.customer AS c JOIN favourite ON c_nationkey = nation"
"""


def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    home = Path(options.home).absolute()
    if not home.exists():
        create_home(home, demo=False)
        for name, text in _POLICIES.items():
            (home / "policies" / name).write_text(text)
    hati = [str(Path(sys.executable).with_name("hati")), "--home", str(home)]
    with (
        tempfile.TemporaryDirectory(prefix="hati-cluster-") as folder,
        sail(Path(folder), files(tpch(options.scale)), options.workers) as running,
    ):
        engine = f'[engines.cluster]\ndriver = "flightsql"\nuri = "{running.uri}"\ndialect = "spark"\n'
        (home / "config.toml").write_text(f"dev_mode = true\n\n{engine}")
        shown = os.path.relpath(hati[0]), os.path.relpath(home)
        print(
            _TRY.format(
                workers=options.workers,
                scale=options.scale,
                hati=f"{shown[0]} --home {shown[1]}",
                home=shown[1],
            ),
            flush=True,
        )
        process = subprocess.Popen([*hati, "serve"])
        try:
            process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--home", default=".hati-cluster")
    parser.add_argument("--scale", default="0.1")
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
