"""Fills a warehouse with the demo data; `hati init --demo` runs this as a program of its own.

A separate process, because DuckDB lets only one process open a database file and
the caller goes on to start the server.
"""

from __future__ import annotations

import sys
from importlib.resources import files

import duckdb

TABLES = ("customers", "orders", "sales", "salary_data")


def fill(path: str) -> bool:
    """Create the demo tables in the database file *path*; return False if any of them was there.

    Raises:
        duckdb.Error: The file cannot be opened: another process has it.
    """
    with duckdb.connect(path) as connection:
        found = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        if {name for (name,) in found} & set(TABLES):
            return False
        connection.begin()
        connection.execute((files("hatidata_agent") / "service" / "demo.sql").read_text())
        connection.commit()
    return True


def _main() -> int:
    try:
        return 0 if fill(sys.argv[1]) else 3
    except duckdb.Error as error:
        sys.stderr.write(str(error).splitlines()[0] + "\n")
        return 1


if __name__ == "__main__":
    sys.exit(_main())
