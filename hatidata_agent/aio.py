"""`AsyncHatiDataAgent`: every method of `HatiDataAgent` for asyncio, made from it and not written again.

A method runs in a thread. Cancelling the task that awaits it stops the query at the
service too, and the task ends only when the service has been told.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from hatidata_agent.calls import Call
from hatidata_agent.client import HatiDataAgent
from hatidata_agent.connection import Route

if TYPE_CHECKING:
    import pyarrow as pa

    from hatidata_agent.answer import Answer, Receipt
    from hatidata_agent.parameters import Parameter
    from hatidata_agent.reasoning import ReasoningChain, Step

P = ParamSpec("P")
T = TypeVar("T")
Agent = HatiDataAgent

MOST_AT_ONCE = 64


class AsyncAnswer:
    """One answer; iterate it once with `async for`, or read it whole.

    Attributes:
        schema: Known before the first batch.
    """

    def __init__(self, answer: Answer, call: Call, threads: ThreadPoolExecutor) -> None:
        self.schema = answer.schema
        self._answer = answer
        self._batches = iter(answer)
        self._reading = threading.Lock()  # who is cancelled leaves a thread behind that still reads
        self._call = call
        self._threads = threads

    async def __aenter__(self) -> AsyncAnswer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def receipt(self) -> Receipt | None:
        """What the query did and cost; None until the last batch was read."""
        return self._answer.receipt

    async def __aiter__(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the batches that have rows, then set `receipt`."""
        while (batch := await _in_thread(self._threads, self._call, self._next)) is not None:
            yield batch

    async def read_all(self) -> pa.Table:
        """Return all that has not been read yet as one table."""
        return await _in_thread(self._threads, self._call, self._rest)

    async def close(self) -> None:
        """Give up what has not been read; the service stops working on it."""
        await _in_thread(self._threads, self._call, self._end)

    def _next(self) -> pa.RecordBatch | None:
        with self._reading:
            return next(self._batches, None)

    def _rest(self) -> pa.Table:
        import pyarrow as pa

        with self._reading:
            return pa.Table.from_batches(list(self._batches), self.schema)

    def _end(self) -> None:
        with self._reading:
            self._batches.close()
            self._answer.close()


class AsyncReasoningChain:
    """A chain of queries for asyncio; its names and steps are those of `ReasoningChain`."""

    def __init__(self, chain: ReasoningChain, agent: HatiDataAgent, threads: ThreadPoolExecutor) -> None:
        self.request_id = chain.request_id
        self.parent_request_id = chain.parent_request_id
        self._chain = chain
        self._agent = agent
        self._threads = threads

    async def __aenter__(self) -> AsyncReasoningChain:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that have been answered, in their order."""
        return self._chain.steps

    async def query(
        self,
        sql: str,
        parameters: Sequence[Parameter] = (),
        step: str | None = None,
        *,
        timeout_ms: int | None = None,
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return the rows of a query, which is the chain's next step.

        Raises:
            HatiDataError: The subclass says why.
        """
        call = Call()
        agent = self._agent.stoppable_by(call)
        ask = functools.partial(self._chain.ask, agent, sql, parameters, step, timeout_ms)
        return await _in_thread(self._threads, call, ask)


def _awaited(
    method: Callable[Concatenate[HatiDataAgent, P], T],
) -> Callable[Concatenate[AsyncHatiDataAgent, P], Coroutine[Any, Any, T]]:
    """Return *method* as a coroutine function."""

    @functools.wraps(method)
    async def awaited(self: AsyncHatiDataAgent, /, *arguments: P.args, **options: P.kwargs) -> T:
        call = Call()
        agent = self._agent.stoppable_by(call)
        return await _in_thread(self._threads, call, lambda: method(agent, *arguments, **options))

    return awaited


def _streamed(
    method: Callable[Concatenate[HatiDataAgent, P], Answer],
) -> Callable[Concatenate[AsyncHatiDataAgent, P], Coroutine[Any, Any, AsyncAnswer]]:
    """Return *method* as a coroutine function whose answer is read with `async for`."""

    @functools.wraps(method)
    async def streamed(self: AsyncHatiDataAgent, /, *arguments: P.args, **options: P.kwargs) -> AsyncAnswer:
        call = Call()
        agent = self._agent.stoppable_by(call)
        answer = await _in_thread(self._threads, call, lambda: method(agent, *arguments, **options))
        return AsyncAnswer(answer, call, self._threads)

    return streamed


class AsyncHatiDataAgent:
    """A connection to a HatiData service for asyncio; arguments and methods as of `HatiDataAgent`.

    `run` and `stream_arrow` return an `AsyncAnswer`.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = 5439,
        agent_id: str = "",
        framework: str = "custom",
        api_key: str | None = None,
        *,
        tls: bool = False,
        ca_file: str | Path | None = None,
        cert_file: str | Path | None = None,
        key_file: str | Path | None = None,
        timeout_ms: int | None = None,
        connect_timeout: float = 10.0,
        transport: Route = "auto",
        retries: int = 2,
    ) -> None:
        self._agent = HatiDataAgent(
            host,
            port,
            agent_id,
            framework,
            api_key,
            tls=tls,
            ca_file=ca_file,
            cert_file=cert_file,
            key_file=key_file,
            timeout_ms=timeout_ms,
            connect_timeout=connect_timeout,
            transport=transport,
            retries=retries,
        )
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="hatidata")

    async def __aenter__(self) -> AsyncHatiDataAgent:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Async{self._agent!r}"

    run = _streamed(Agent.run)
    stream_arrow = _streamed(Agent.run)
    execute = _awaited(Agent.execute)
    query = _awaited(Agent.query)
    query_arrow = _awaited(Agent.query_arrow)
    query_polars = _awaited(Agent.query_polars)
    query_pandas = _awaited(Agent.query_pandas)
    tables = _awaited(Agent.tables)
    load = _awaited(Agent.load)
    insert_arrow = _awaited(Agent.insert_arrow)
    store_memory = _awaited(Agent.store_memory)
    search_memory = _awaited(Agent.search_memory)
    delete_memory = _awaited(Agent.delete_memory)
    get_state = _awaited(Agent.get_state)
    set_state = _awaited(Agent.set_state)
    get_context = _awaited(Agent.get_context)
    get_rag_context = _awaited(Agent.get_rag_context)
    close = _awaited(Agent.close)

    def reasoning_chain(
        self, request_id: str | None = None, parent_request_id: str | None = None
    ) -> AsyncReasoningChain:
        """Return a chain of queries: `async with hati.reasoning_chain() as chain: ..`."""
        chain = self._agent.reasoning_chain(request_id, parent_request_id)
        return AsyncReasoningChain(chain, self._agent, self._threads)

    async def transport(self) -> str:
        """Return the transport in use: `flight` or `http`.

        Raises:
            ServiceUnavailableError: Nothing answers.
        """
        return await _in_thread(self._threads, Call(), lambda: self._agent.transport)


async def _in_thread(threads: ThreadPoolExecutor, call: Call, work: Callable[[], T]) -> T:
    """Do *work* in a thread; whoever stops waiting for it stops *call*."""
    import asyncio

    running: Awaitable[T] = asyncio.get_running_loop().run_in_executor(threads, work)
    done = asyncio.ensure_future(running)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await asyncio.shield(asyncio.to_thread(call.stop))
        raise
