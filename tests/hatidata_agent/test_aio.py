"""The client for asyncio: the same methods, awaited; cancelling reaches the service."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pyarrow as pa
import pytest

from hatidata_agent import (
    AsyncHatiDataAgent,
    HatiDataAgent,
    PolicyDeniedError,
    QueryCancelledError,
    QueryError,
)
from hatidata_agent.calls import Call
from hatidata_agent.service.endpoints import port_of
from tests.fixtures.service import Service

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3"
ROUTES = ["flight", "http"]
Work = Callable[[AsyncHatiDataAgent], Awaitable[None]]


@asynccontextmanager
async def connected(
    service: Service, route: str = "auto", key: str = ""
) -> AsyncIterator[AsyncHatiDataAgent]:
    port = port_of(service.endpoints.http)
    async with AsyncHatiDataAgent("127.0.0.1", port, api_key=key, transport=route) as agent:  # type: ignore[arg-type]  # a parameter of the test
        yield agent


def with_agent(service: Service, work: Work, route: str = "auto", key: str = "") -> None:
    async def main() -> None:
        async with connected(service, route, key) as agent:
            await asyncio.wait_for(work(agent), 60)

    asyncio.run(main())


def _public(kind: type) -> dict[str, list[tuple[str, object]]]:
    return {
        name: [(one.name, one.default) for one in inspect.signature(member).parameters.values()]
        for name, member in inspect.getmembers(kind, callable)
        if not name.startswith("_") or name == "__init__"
    }


def test_every_method_has_its_twin_with_the_same_arguments() -> None:
    ours, twins = _public(HatiDataAgent), _public(AsyncHatiDataAgent)
    for name in ("stoppable_by", "traced_as"):
        ours.pop(name)
    ours["stream_arrow"] = ours["run"]

    assert twins.pop("transport") == [("self", inspect.Parameter.empty)]
    assert twins == ours


@pytest.mark.parametrize("route", ROUTES)
def test_methods_are_awaited(service: Service, route: str) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        assert await agent.query("SELECT $1 AS a", [7]) == [{"a": 7}]
        assert (await agent.query_polars("SELECT 1 AS a")).shape == (1, 1)
        assert await agent.transport() == route

    with_agent(service, work, route)


def test_queries_run_at_the_same_time(service: Service) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        answers = await asyncio.gather(*(agent.query(f"SELECT {n} AS n") for n in range(20)))
        assert [answer[0]["n"] for answer in answers] == list(range(20))

    with_agent(service, work)


def test_a_stream_is_read_batch_by_batch(service: Service) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        rows = 0
        async with await agent.stream_arrow("SELECT * FROM orders") as answer:
            async for batch in answer:
                rows += batch.num_rows
        assert rows == 120_000
        assert answer.receipt is not None
        assert answer.receipt.rows == 120_000

    with_agent(service, work)


def test_rows_are_loaded_and_memories_kept(service: Service) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        assert await agent.insert_arrow("aio_loaded", pa.table({"a": [1, 2]}), "replace") == 2
        stored = await agent.store_memory("the asynchronous client was here", "aio")
        assert [one["memory_id"] for one in await agent.search_memory("client", memory_type="aio")] == [
            stored
        ]
        assert await agent.delete_memory(stored)

    with_agent(service, work)


def test_the_steps_of_a_chain_are_awaited(service: Service) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        async with agent.reasoning_chain("a chain of the asynchronous client") as chain:
            assert await chain.query("SELECT $1 AS a", [1], "first") == [{"a": 1}]
            await chain.query("SELECT 2 AS a")
        assert [step.name for step in chain.steps] == ["first", "step 2"]

    with_agent(service, work)


def test_an_error_keeps_its_type(service: Service) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        with pytest.raises(PolicyDeniedError) as told:
            await agent.query("SELECT * FROM salary_data")
        assert told.value.query_id

    with_agent(service, work, key=service.key("--role", "analyst"))


@pytest.mark.parametrize("route", ROUTES)
def test_a_cancelled_task_stops_its_query_at_the_service(service: Service, route: str) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        await agent.query("SELECT 1")
        asking = asyncio.create_task(agent.query(ENDLESS))
        await _until(lambda: service.running_queries() == 1)
        began = time.monotonic()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await _until(lambda: service.running_queries() == 0)
        assert time.monotonic() - began < 5

    with_agent(service, work, route)


def test_a_stream_that_is_left_is_stopped_at_the_service(service: Service) -> None:
    async def work(agent: AsyncHatiDataAgent) -> None:
        async with await agent.run("SELECT i FROM range(100000000000) AS t(i)") as answer:
            async for _ in answer:
                break
        await _until(lambda: service.running_queries() == 0)
        assert answer.receipt is None

    with_agent(service, work)


@pytest.mark.parametrize("route", ROUTES)
def test_a_stream_whose_reader_is_cancelled_is_closed_in_peace(service: Service, route: str) -> None:
    sql = "SELECT i, repeat('x', 1000) AS t FROM range(60000) AS t(i)"

    async def read(agent: AsyncHatiDataAgent) -> None:
        async with await agent.run(sql) as answer:
            async for _ in answer:
                await asyncio.sleep(0.001)

    async def work(agent: AsyncHatiDataAgent) -> None:
        for wait in (0.05, 0.1, 0.2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_forever(agent, read), wait)
        await _until(lambda: service.running_queries() == 0)
        assert await agent.query("SELECT 1 AS a") == [{"a": 1}]

    with_agent(service, work, route)


async def _forever(agent: AsyncHatiDataAgent, read: Work) -> None:
    while True:
        await read(agent)


@pytest.mark.parametrize("route", ROUTES)
def test_a_call_that_was_stopped_sends_nothing_more(service: Service, route: str) -> None:
    call = Call()
    call.stop()
    with service.agent(transport=route) as agent, pytest.raises(QueryCancelledError):
        agent.stoppable_by(call).query("CREATE TABLE aio_never (a INTEGER)")

    with service.agent() as agent, pytest.raises(QueryError, match="aio_never"):
        agent.query("SELECT * FROM aio_never")


async def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
