"""What the engine says becomes a code, and words that fit the one who asked."""

from __future__ import annotations

import time

import duckdb
import pytest

from flight_server.engines.duckdb_errors import readable, refusal
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.watcher import Call
from tests.fixtures.warehouse import Warehouse, sight

SEES = (sight("customers", "region = 'EU'"), sight("orders"))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT CAST('HIDDEN' AS INTEGER) FROM customers", "conversion failed"),
        ("SELECT nonsense FROM customers", "a name, type or clause of the query does not fit"),
        ("SELECT born + born FROM customers", "a name, type or clause of the query does not fit"),
        ("SELECT 2147483647 + customer_id FROM customers", "a value is out of range"),
        ("SELECT customer_id[1] FROM customers", "a name, type or clause of the query does not fit"),
        ("SELECT strptime(code, '%Q') FROM customers", "an input value is invalid"),
        ("SELECT sum(customer_id) OVER (ROWS -1 PRECEDING) FROM customers", "an input value is invalid"),
    ],
)  # fmt: skip
def test_who_sees_a_part_gets_the_class_of_an_error(warehouse: Warehouse, sql: str, words: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        warehouse.ask(sql, sees=SEES)

    assert refused.value.code is ErrorCode.QUERY_ERROR
    assert refused.value.message == f"SQL error: {words}"
    assert refused.value.detail != refused.value.message


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT CAST(code AS INTEGER) FROM customers", "Could not convert string 'HIDDEN1' to INT32"),
        ("SELECT nonsense FROM customers", 'Referenced column "nonsense" not found in FROM clause!'),
        ("FROM nowhere", "Table with name nowhere does not exist!"),
        ("FROM finance.nowhere", "Table with name nowhere does not exist!"),
        ("USE nowhere", 'No catalog + schema named "nowhere" found'),
    ],
)
def test_who_sees_everything_reads_the_engines_words(warehouse: Warehouse, sql: str, words: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        warehouse.ask(sql)

    assert refused.value.code is ErrorCode.QUERY_ERROR
    assert words in refused.value.message
    assert "sealed" not in refused.value.message
    assert "LINE" not in refused.value.message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('Catalog Error: Table "sealed_1.main.t" is gone', 'Table "t" is gone'),
        ("Binder Error: sealed_1.main.t has no column", "t has no column"),
        ('Binder Error: "sealed_1"."main"."t" has no column', '"t" has no column'),
        ("Constraint Error: sealed_1.finance.t fails", "finance.t fails"),
        ("Binder Error: first\n\nLINE 1: SELECT sealed_1.main.t\n  ^", "first"),
        ("Binder Error: " + "x" * 5000, "x" * 1000),
    ],
)
def test_no_text_shows_the_sealed_catalog_or_the_rewritten_query(text: str, shown: str) -> None:
    assert readable(text, "sealed_1") == shown


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (duckdb.InterruptException("INTERRUPT Error: Interrupted!"), ErrorCode.QUERY_CANCELLED),
        (OSError("INTERRUPT Error: Interrupted!"), ErrorCode.QUERY_CANCELLED),
        (duckdb.FatalException("FATAL Error: broken"), ErrorCode.INTERNAL_ERROR),
        (duckdb.InternalException("INTERNAL Error: broken"), ErrorCode.INTERNAL_ERROR),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to offload"), ErrorCode.QUERY_ERROR),
        (OSError("IO Error: No space left on device"), ErrorCode.SERVICE_UNAVAILABLE),
        (duckdb.TransactionException("Transaction Error: conflict"), ErrorCode.QUERY_ERROR),
    ],
)
def test_every_failure_has_its_code(error: Exception, code: ErrorCode) -> None:
    assert refusal(error, None, True, "sealed_1").code is code


@pytest.mark.parametrize(
    "reason", [ErrorCode.QUERY_TIMEOUT, ErrorCode.QUERY_CANCELLED, ErrorCode.SERVICE_UNAVAILABLE]
)
def test_why_a_call_was_stopped_explains_its_failure(reason: ErrorCode) -> None:
    call = Call(time.monotonic() + 10)
    call.stop(reason)

    assert refusal(duckdb.InterruptException("Interrupted!"), call, False, "sealed_1").code is reason


def test_an_internal_failure_says_nothing_of_itself() -> None:
    found = refusal(duckdb.InternalException("INTERNAL Error: /opt/secret/file.cpp"), None, False, "sealed_1")

    assert found.message == "Internal server error"
    assert "file.cpp" in found.detail
