"""`hati query`: one statement, its answer as asked for, its receipt on standard error; or a prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from hatidata_agent.cli.exits import USAGE, Failure
from hatidata_agent.cli.options import connection_options, examples

if TYPE_CHECKING:
    from hatidata_agent.answer import Answer
    from hatidata_agent.cli.formats import Writer
    from hatidata_agent.client import HatiDataAgent

_FORMATS = ("table", "csv", "json", "arrow", "parquet")
_BY_SUFFIX = {
    ".csv": "csv",
    ".json": "json",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".parquet": "parquet",
}


@click.command(
    epilog=examples(
        "hati query                         # an interactive prompt",
        "hati query 'SELECT * FROM orders LIMIT 5'",
        "hati query 'SELECT * FROM orders WHERE total > $1' --param 100 -o orders.parquet",
        "hati query -f report.sql --format csv > report.csv",
        "hati query < report.sql            # or -f -, or at the end of a pipe",
    )
)
@click.argument("sql", required=False)
@click.option(
    "-f", "--file", "sql_file", type=click.File("r"), help="Read the SQL from a file; - is standard input."
)
@click.option(
    "--format", "format_name", type=click.Choice(_FORMATS), help="Default: by -o's suffix, else table."
)
@click.option("--json", "format_name", flag_value="json", help="The same as --format json.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--param", "parameters", multiple=True, help="A value for $1, $2, ..; JSON, or else text.")
@click.option("--timeout-ms", type=click.IntRange(min=1), help="Give up after so many milliseconds.")
@click.option("--dialect", type=click.Choice(["auto", "snowflake", "duckdb"]), default="auto")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no receipt.")
@connection_options
def command(
    agent: HatiDataAgent,
    sql: str | None,
    sql_file: IO[str] | None,
    format_name: str | None,
    output: Path | None,
    parameters: tuple[str, ...],
    timeout_ms: int | None,
    dialect: str,
    quiet: bool,
) -> None:
    """Run SQL through the service and print or save the answer; on a terminal without SQL, open a prompt."""
    if sql is None and sql_file is None and sys.stdin.isatty() and sys.stdout.isatty():
        if output is not None or parameters or format_name in ("arrow", "parquet"):
            raise Failure("-o, --param and binary formats go with a statement, not with the prompt", USAGE)
        _prompt(agent, format_name or "table", timeout_ms, dialect, quiet)
        return
    text = _text_of(sql, sql_file)
    chosen = format_name or _BY_SUFFIX.get(output.suffix if output else "", "table")
    values = [_value(text) for text in parameters]
    with agent.run(text, values, timeout_ms=timeout_ms, dialect=dialect) as answer:
        _deliver(answer, chosen, output, quiet)
        if not quiet:
            _print_receipt(answer)


def _prompt(agent: HatiDataAgent, form: str, timeout_ms: int | None, dialect: str, quiet: bool) -> None:
    """Run what is typed, until the person leaves."""
    from hatidata_agent.cli.prompt.session import Prompt

    def run(sql: str, chosen: str) -> None:
        with agent.run(sql, timeout_ms=timeout_ms, dialect=dialect) as answer:
            _deliver(answer, chosen, None, quiet)
            if not quiet:
                _print_receipt(answer)

    Prompt(agent, click.get_current_context().params["home"], run, form).talk()


def _text_of(sql: str | None, sql_file: IO[str] | None) -> str:
    """Return the SQL: the argument, or the file, or what stands on standard input."""
    if sql is not None and sql_file is not None:
        raise Failure("give the SQL as an argument or with -f, one of the two", USAGE)
    try:
        text = sql if sql is not None else sql_file.read() if sql_file is not None else _piped()
    except UnicodeDecodeError:
        raise Failure("the SQL is not UTF-8 text", USAGE) from None
    if not text.strip():
        raise Failure("there is no SQL: give it as an argument, with -f, or on standard input", USAGE)
    return text


def _piped() -> str:
    """Return what standard input holds; a terminal is not waited for."""
    return "" if sys.stdin.isatty() else sys.stdin.read()


def _value(text: str) -> str | int | float | bool | None:
    """Return *text* as the JSON scalar it spells, else as text: 5, true, null, "5", cust-123."""
    import json

    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, str | int | float) else text


def _deliver(answer: Answer, chosen: str, output: Path | None, quiet: bool) -> None:
    from hatidata_agent.cli.formats import BINARY, WRITERS

    write = WRITERS[chosen]
    if output is not None:
        _save(answer, write, output, quiet)
        return
    if chosen in BINARY and sys.stdout.isatty():
        raise Failure(f"{chosen} is binary: name a file with -o, or redirect the output", USAGE)
    write(answer.schema, answer, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _save(answer: Answer, write: Writer, output: Path, quiet: bool) -> None:
    """Write beside *output* and rename, so that a failure leaves no half file; a device is written to."""
    target = output.resolve()
    if target.exists() and not target.is_file():
        _write(answer, write, target, quiet)
        return
    if not target.parent.is_dir():
        raise Failure(f"{output}: there is no folder {output.parent}")
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _write(answer, write, draft, quiet)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _write(answer: Answer, write: Writer, path: Path, quiet: bool) -> None:
    with path.open("wb") as sink, _counted(answer, quiet) as batches:
        write(answer.schema, batches, sink)


@contextmanager
def _counted(answer: Answer, quiet: bool) -> Iterator[Answer]:
    """Show on a terminal how many rows have come."""
    if quiet or not sys.stderr.isatty():
        yield answer
        return
    from hatidata_agent.cli.progress import counting

    with counting(answer) as counted:
        yield counted


def _print_receipt(answer: Answer) -> None:
    receipt = answer.receipt
    if receipt is None:
        return
    parts = [f"{receipt.rows:,} row{'' if receipt.rows == 1 else 's'}"]
    if receipt.rows_affected is not None:
        parts = [f"{receipt.rows_affected:,} affected"]
    parts += [f"{receipt.duration_ms:.0f} ms", f"{receipt.credits_consumed:g} credits"]
    if receipt.masked_columns:
        parts.append(f"masked: {', '.join(receipt.masked_columns)}")
    if receipt.row_filters:
        parts.append(f"rows filtered: {', '.join(receipt.row_filters)}")
    click.echo(", ".join([*parts, receipt.query_id]), err=True)
