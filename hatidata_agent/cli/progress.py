"""Progress on a terminal: rows that come in, bytes that go out; never on standard output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from hatidata_agent.answer import Answer, Receipt

if TYPE_CHECKING:
    from collections.abc import Generator

    import pyarrow as pa

    from hatidata_agent.files import Source


@contextmanager
def counting(answer: Answer) -> Iterator[Answer]:
    """Show the number of rows while *answer* is read through the answer that this yields."""
    with _on_stderr(SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn()) as progress:
        task = progress.add_task("rows", total=None)

        def batches() -> Generator[pa.RecordBatch, None, Receipt]:
            for batch in answer:
                progress.advance(task, batch.num_rows)
                yield batch
            return answer.receipt or Receipt()

        yield Answer(answer.schema, batches())


@contextmanager
def reading(source: Source, title: str) -> Iterator[Iterator[pa.RecordBatch]]:
    """Show how much of *source* has been sent while the batches that this yields are read."""
    with _on_stderr(
        TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn()
    ) as progress:
        task = progress.add_task(title, total=source.size)

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in source.batches():
                yield batch
                progress.update(task, completed=source.position())
            progress.update(task, completed=source.size)

        yield batches()


def _on_stderr(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
