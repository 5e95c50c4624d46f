"""`hati load`: local files into tables, read here and sent over Flight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from hatidata_agent._transport import Mode
from hatidata_agent.cli.exits import Failure
from hatidata_agent.cli.options import connection_options, examples

if TYPE_CHECKING:
    import pyarrow as pa

    from hatidata_agent.client import HatiDataAgent
    from hatidata_agent.files import Source


@click.command(
    epilog=examples(
        "hati load orders.parquet",
        "hati load 2024.csv 2025.csv.gz --table history",
        "hati load events.ndjson --table web.events --mode append",
    )
)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--table", help="The table for all files; without it, each file's own name.")
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    default="create",
    show_default=True,
    help="What to do about a table that exists. Further files of one --table are appended.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file.")
@connection_options
def command(
    agent: HatiDataAgent, files: tuple[Path, ...], table: str | None, mode: Mode, as_json: bool
) -> None:
    """Load Parquet, CSV, JSON or Arrow files; the suffix says what a file is."""
    sources = [(path, _opened(path)) for path in files]
    seen: set[str] = set()
    for path, source in sources:
        target = table or _named_after(path)
        rows = _load(agent, path, source, target, "append" if target in seen else mode)
        seen.add(target)
        line = json.dumps({"file": str(path), "table": target, "rows": rows})
        print(line if as_json else f"{path}: {rows:,} rows into {target}")


def _opened(path: Path) -> Source:
    from hatidata_agent.files import FileError, open_source

    try:
        return open_source(path)
    except FileError as error:
        raise Failure(str(error)) from None


def _named_after(path: Path) -> str:
    from hatidata_agent.files import table_name

    return table_name(path)


def _load(agent: HatiDataAgent, path: Path, source: Source, table: str, mode: Mode) -> int:
    import pyarrow as pa

    from hatidata_agent.cli.progress import reading

    with reading(source, path.name) as batches:
        reader: pa.RecordBatchReader = pa.RecordBatchReader.from_batches(source.schema, batches)
        return agent.insert_arrow(table, reader, mode)
