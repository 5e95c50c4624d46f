"""TPC-H at scale factor 1 as Parquet and as a DuckDB file, made once into bench/data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import duckdb

DATA: Final = Path(__file__).parent / "data"
LINEITEM: Final = DATA / "lineitem.parquet"
WAREHOUSE: Final = DATA / "warehouse.duckdb"
ROWS: Final = 6_001_215


def prepare() -> Path:
    """Return the DuckDB file with table lineitem, generating what is missing.

    Raises:
        ValueError: What is there is not scale factor 1.
    """
    DATA.mkdir(exist_ok=True)
    if not LINEITEM.exists():
        generator = Path(sys.executable).with_name("tpchgen-cli")
        command: list[str | Path] = [
            generator,
            "parquet",
            "-s",
            "1",
            "--tables",
            "lineitem",
            "--output-dir",
            DATA,
        ]
        subprocess.run(command, check=True)
    if not WAREHOUSE.exists():
        _import_lineitem()
    with duckdb.connect(str(WAREHOUSE), read_only=True) as warehouse:
        count = warehouse.sql("SELECT count(*) FROM lineitem").fetchall()[0][0]
    if count != ROWS:
        raise ValueError(f"{WAREHOUSE} has {count} rows of lineitem instead of {ROWS}: remove it")
    return WAREHOUSE


def _import_lineitem() -> None:
    draft = WAREHOUSE.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with duckdb.connect(str(draft)) as warehouse:
        warehouse.execute(f"CREATE TABLE lineitem AS FROM '{LINEITEM}'")
    draft.rename(WAREHOUSE)
