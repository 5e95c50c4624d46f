"""What DuckDB says, in the closed set of codes and in words that the caller may read."""

from __future__ import annotations

import re

import duckdb

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.watcher import Call

_CLASSES: tuple[tuple[str, str], ...] = (
    ("Conversion Error", "conversion failed"),
    ("Binder Error", "a name, type or clause of the query does not fit"),
    ("Catalog Error", "a name, type or clause of the query does not fit"),
    ("Out of Range Error", "a value is out of range"),
    ("Out of Memory Error", "the query needs more memory than it may use"),
    ("Constraint Error", "a constraint of the table is violated"),
    ("TransactionContext Error", "the transaction failed"),
    ("Transaction Error", "the transaction conflicts with another one"),
    ("Invalid Input Error", "an input value is invalid"),
    ("Not implemented Error", "the query is not supported"),
    ("Parser Error", "the query cannot be read"),
    ("Syntax Error", "the query cannot be read"),
    ("Mismatch Type Error", "types do not match"),
    ("Invalid Type Error", "types do not match"),
    ("Sequence Error", "a sequence failed"),
)


def refusal(error: Exception, call: Call | None, hides: bool, catalog: str) -> QueryRefused:
    """Return the refusal for an exception out of DuckDB or out of an Arrow stream of it.

    Args:
        call: The running call; why it was stopped explains an interrupt.
        hides: Whether the caller must not read the engine's text.
        catalog: Name of the sealed catalog, which no text may hold.
    """
    text = str(error)
    if call is not None and call.reason is not None:
        return QueryRefused(call.reason, detail=text)
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT Error" in text:
        return QueryRefused(ErrorCode.QUERY_CANCELLED, detail=text)
    if "No space left" in text or "max_temp_directory_size" in text:
        return QueryRefused(ErrorCode.SERVICE_UNAVAILABLE, detail=text, retry_after=5)
    if isinstance(error, (duckdb.FatalException, duckdb.InternalException)):
        return QueryRefused(ErrorCode.INTERNAL_ERROR, detail=text)
    if hides:
        found = next((words for prefix, words in _CLASSES if prefix in text), "the query failed")
        return QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {found}", detail=text)
    return QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {readable(text, catalog)}", detail=text)


def readable(text: str, catalog: str) -> str:
    """Return DuckDB's text without the sealed catalog's name and without the echo of the rewritten query."""
    first = re.split(r"\n\n?LINE \d+:", text)[0]
    first = re.sub(rf'("{re.escape(catalog)}"|{re.escape(catalog)})(_remote)?\.("?main"?\.)?', "", first)
    first = re.sub(r"^[A-Za-z ]+Error: ", "", first.strip())
    first = re.sub(r"^Python exception occurred while executing the UDF: \w+: ", "", first)
    return first[:1000]
