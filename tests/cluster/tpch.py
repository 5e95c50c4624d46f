"""The 22 queries of TPC-H, as the package pysail ships them."""

from __future__ import annotations

import re
from pathlib import Path

import pysail

NUMBERS = range(1, 23)
_FOLDER = Path(pysail.__file__).parent / "data" / "tpch" / "queries"


def query(number: int) -> str:
    """Return the text of query *number*; the view of query 15 is a common table expression."""
    text = re.sub(r"--.*", "", (_FOLDER / f"q{number}.sql").read_text()).strip()
    if number != 15:
        return text.rstrip(";")
    view, select, *_ = text.split(";")
    name, body = view.split(" as\n", 1)
    return f"WITH {name.removeprefix('create view').strip()} AS ({body}) {select}"
