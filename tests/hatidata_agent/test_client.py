"""The client against a whole service, over both transports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hatidata_agent import (
    HatiDataAgent,
    InvalidRequestError,
    PolicyDeniedError,
    QueryError,
    QueryParseError,
    QueryTimeoutError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from tests.fixtures.service import Service

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3"


@pytest.fixture(params=["flight", "http"])
def either(service: Service, request: pytest.FixtureRequest) -> Iterator[HatiDataAgent]:
    """A client over each transport in turn."""
    with service.agent(transport=request.param) as client:
        yield client


def test_flight_is_found_without_being_named(service: Service) -> None:
    with service.agent() as client:
        assert client.transport == "flight"


def test_rows_are_dictionaries(either: HatiDataAgent) -> None:
    rows = either.query("SELECT order_id, status FROM orders WHERE order_id <= 2 ORDER BY order_id")

    assert rows == [{"order_id": 1, "status": "delivered"}, {"order_id": 2, "status": "cancelled"}]


def test_every_frame_has_the_same_rows(either: HatiDataAgent) -> None:
    sql = "SELECT * FROM orders"
    table, frame, other = either.query_arrow(sql), either.query_polars(sql), either.query_pandas(sql)

    assert isinstance(table, pa.Table)
    assert isinstance(frame, pl.DataFrame)
    assert isinstance(other, pd.DataFrame)
    assert len(table) == len(frame) == len(other) == 120_000
    assert str(other.dtypes["created_at"]).startswith("timestamp")


def test_one_column_is_still_a_frame(either: HatiDataAgent) -> None:
    assert either.query_polars("SELECT 1 AS a").shape == (1, 1)


def test_an_empty_answer_keeps_its_columns(either: HatiDataAgent) -> None:
    sql = "SELECT order_id, status FROM orders WHERE false"

    assert either.query_arrow(sql).schema.names == ["order_id", "status"]
    assert either.query(sql) == []


def test_parameters_are_bound_by_position(either: HatiDataAgent) -> None:
    sql = "SELECT count(*) AS n FROM orders WHERE customer_id = $1 AND total > $2 AND created_at < $3"
    rows = either.query(sql, ["cust-123", 100.0, dt.datetime(2025, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)])

    assert rows[0]["n"] > 0


def test_statements_return_how_many_rows_they_changed(
    either: HatiDataAgent, request: pytest.FixtureRequest
) -> None:
    table = f"counted_{request.node.callspec.id}"
    counts = [
        either.execute(f"CREATE OR REPLACE TABLE {table} (a INTEGER)"),
        either.execute(f"INSERT INTO {table} SELECT * FROM range(5)"),
        either.execute(f"UPDATE {table} SET a = a + 1 WHERE a < 3"),
        either.execute(f"SELECT * FROM {table}"),
        either.execute(f"DELETE FROM {table}"),
        either.execute(f"DROP TABLE {table}"),
    ]

    assert counts == [0, 5, 3, 5, 5, 0]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELEC 1", QueryParseError),
        ("SELECT nope FROM orders", QueryError),
        ("SELECT $1", InvalidRequestError),
        ("", InvalidRequestError),
    ],
)
def test_a_refusal_is_the_exception_of_its_code(
    either: HatiDataAgent, sql: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as raised:
        either.query(sql)

    assert "Traceback" not in str(raised.value)


def test_a_query_ends_at_its_time_limit(either: HatiDataAgent) -> None:
    with pytest.raises(QueryTimeoutError) as raised:
        either.query(ENDLESS, timeout_ms=300)

    assert raised.value.query_id.startswith("qry_")


def test_the_time_limit_of_a_client_holds_for_each_query(service: Service) -> None:
    with service.agent(timeout_ms=300) as client, pytest.raises(QueryTimeoutError):
        client.query(ENDLESS)


def test_a_wrong_key_is_refused(service: Service) -> None:
    with service.agent(api_key="hd_live_" + "x" * 32) as client, pytest.raises(UnauthorizedError):
        client.query("SELECT 1")


def test_a_key_sees_what_its_role_may_see(service: Service) -> None:
    with service.agent(api_key=service.key("--role", "nobody")) as client, pytest.raises(PolicyDeniedError):
        client.query("SELECT * FROM salary_data")


def test_the_agent_is_named_only_by_a_key_that_may(service: Service) -> None:
    key = service.key("--role", "admin")
    with service.agent(api_key=key, agent_id="somebody") as client, pytest.raises(PolicyDeniedError):
        client.query("SELECT 1")


def test_a_stream_holds_one_batch_at_a_time(agent: HatiDataAgent) -> None:
    reader = agent.stream_arrow("SELECT i FROM range(2000000) AS t(i)")
    rows = [batch.num_rows for batch in reader]

    assert sum(rows) == 2_000_000
    assert len(rows) > 10


def test_a_stream_that_is_left_early_does_not_block_the_next_query(agent: HatiDataAgent) -> None:
    for _ in range(3):
        with agent.run("SELECT i FROM range(1000000000) AS t(i)") as answer:
            next(iter(answer))

    assert agent.query("SELECT 1 AS a") == [{"a": 1}]


def test_the_receipt_tells_what_the_query_was(agent: HatiDataAgent) -> None:
    with agent.run("SELECT * FROM orders LIMIT 3") as answer:
        answer.read_all()

    assert answer.receipt is not None
    assert (answer.receipt.rows, answer.receipt.rows_affected) == (3, None)
    assert answer.receipt.query_id.startswith("qry_")
    assert answer.receipt.credits_consumed > 0


def test_threads_share_a_client(agent: HatiDataAgent) -> None:
    def square(i: int) -> int:
        value: int = agent.query("SELECT $1 * $1 AS n", [i])[0]["n"]
        return value

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(square, range(100))) == [i * i for i in range(100)]


def test_a_closed_client_opens_again(service: Service) -> None:
    client = service.agent()
    client.query("SELECT 1")
    client.close()

    assert client.query("SELECT 2 AS a") == [{"a": 2}]
    client.close()


@pytest.mark.parametrize("transport", ["auto", "flight", "http"])
def test_a_service_that_is_not_there_is_told_soon(transport: Literal["auto", "flight", "http"]) -> None:
    client = HatiDataAgent("127.0.0.1", 1, api_key="", transport=transport, retries=1)
    with pytest.raises(ServiceUnavailableError):
        client.query("SELECT 1")


def test_the_key_never_shows(service: Service) -> None:
    client = service.agent(api_key="hd_live_secret")

    assert "secret" not in repr(client)
    assert "secret" not in repr(vars(client))


Loading = Callable[[pa.Table], object]


@pytest.mark.parametrize(
    "made",
    [
        lambda table: table,
        lambda table: table.to_reader(),
        lambda table: table.to_batches(),
        lambda table: table.to_batches()[0],
        pl.from_arrow,
        lambda table: table.to_pandas(),
    ],
    ids=["table", "reader", "batches", "batch", "polars", "pandas"],
)
def test_arrow_data_of_any_library_is_loaded(
    agent: HatiDataAgent, made: Loading, request: pytest.FixtureRequest
) -> None:
    name = f"loaded_{request.node.callspec.id}"
    table = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    agent.load(made(table), name, mode="replace")
    count = agent.insert_arrow(name, made(table))

    assert count == 3
    assert agent.query(f"SELECT count(*) AS n, sum(a) AS s FROM {name}") == [{"n": 6, "s": 12}]


def test_more_rows_than_a_row_group_are_there_after_loading(agent: HatiDataAgent) -> None:
    agent.load(pa.table({"a": range(200_000), "b": ["x"] * 200_000}), "many", mode="create_append")

    assert agent.query_arrow("SELECT * FROM many").num_rows == 200_000


def test_a_table_that_exists_is_not_created_again(agent: HatiDataAgent) -> None:
    data = pa.table({"a": [1]})
    agent.load(data, "made_once", mode="create")
    with pytest.raises(QueryError, match="already exists"):
        agent.load(data, "made_once", mode="create")

    assert agent.query("SELECT count(*) AS n FROM made_once") == [{"n": 1}]


def test_what_holds_no_arrow_data_is_refused_before_anything_is_sent(agent: HatiDataAgent) -> None:
    with pytest.raises(InvalidRequestError, match="no Arrow data"):
        agent.load(5, "never")


def test_a_source_that_breaks_loads_nothing(service: Service) -> None:
    schema = pa.schema([("a", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        yield from [pa.record_batch({"a": list(range(100_000))}, schema=schema)] * 3
        raise ValueError("the source broke")

    with service.agent() as client:
        with pytest.raises(ValueError, match="the source broke"):
            client.load(pa.RecordBatchReader.from_batches(schema, batches()), "never_loaded", "create")
        with pytest.raises(QueryError, match="never_loaded"):
            client.query("SELECT * FROM never_loaded")
