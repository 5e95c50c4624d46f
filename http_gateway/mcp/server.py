"""The official package's server on an event loop of its own, and the way to it from gunicorn's threads.

Every request stands alone: no session is kept, and the answer to a POST is one JSON body.
So a request can be handed to the loop as a value, and its answer taken back as one.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import anyio
import mcp_types as types
import structlog
from anyio.to_thread import run_sync
from jsonschema import Draft202012Validator
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from http_gateway.errors import Code, Refused
from http_gateway.mcp.asking import Asking
from http_gateway.mcp.memory_tools import MEMORY_TOOLS
from http_gateway.mcp.sql_tools import SQL_TOOLS
from http_gateway.mcp.tool import Arguments, Tool

TOOLS: Final[tuple[Tool, ...]] = (*SQL_TOOLS, *MEMORY_TOOLS)
START_SECONDS: Final = 30.0
INSTRUCTIONS: Final = (
    "SQL over governed data. What you may not see does not exist for you; masked columns hold masked values. "
    "Prefer read_query; look at list_tables and describe_table first."
)
_ASKING: Final = "hatidata.asking"

Context = ServerRequestContext[dict[str, Any], Any]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A POST as it arrived."""

    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the protocol's server answers."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class McpServer:
    """A running server.

    Args:
        workers: How many calls of tools may run at once.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self._checks = {tool.name: Draft202012Validator(tool.takes) for tool in TOOLS}
        self._tools = {tool.name: tool for tool in TOOLS}
        server: Server[dict[str, Any]] = Server(
            "hatidata",
            version=version("hatidata-agent"),
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )
        self._manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        self._thread = threading.Thread(target=self._run, name="mcp", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise Refused(Code.SERVICE_UNAVAILABLE)

    def answer(self, request: HttpRequest, asking: Asking) -> Future[HttpAnswer]:
        """Begin to answer *request*; cancelling the result stops it."""
        return asyncio.run_coroutine_threadsafe(self._answer(request, asking), self._loop)

    def close(self) -> None:
        """End the loop; calls that still run are cancelled."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._limiter = anyio.CapacityLimiter(self._workers)
        async with self._manager.run():
            self._ready.set()
            await self._end.wait()

    async def _answer(self, request: HttpRequest, asking: Asking) -> HttpAnswer:
        """Hand *request* to the protocol's server, which is an ASGI application, and gather its answer."""
        sent: list[Any] = []
        unread = [{"type": "http.request", "body": request.body, "more_body": False}]
        never = asyncio.Event()

        async def receive() -> Any:
            if not unread:
                await never.wait()
            return unread.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        await self._manager.handle_request(_scope(request, asking), receive, send)
        head = next(message for message in sent if message["type"] == "http.response.start")
        body = b"".join(message.get("body", b"") for message in sent)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head["headers"])
        return HttpAnswer(head["status"], headers, body)

    async def _list_tools(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_listed(tool) for tool in TOOLS])

    async def _call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        asking: Asking = getattr(context.request, "scope", {})[_ASKING]
        call = partial(self._called, params.name, params.arguments or {}, asking)
        try:
            return await run_sync(call, limiter=self._limiter, abandon_on_cancel=True)
        except asyncio.CancelledError:
            asking.stop()
            raise

    def _called(self, name: str, arguments: Arguments, asking: Asking) -> types.CallToolResult:
        """Call a tool in a thread of its own; what goes wrong is the tool's answer."""
        try:
            tool = self._tools.get(name)
            if tool is None:
                raise Refused(Code.INVALID_REQUEST, f"there is no tool '{name[:80]}'")
            self._check(name, arguments)
            return _result(tool.run(asking, arguments))
        except Refused as refused:
            return _failure(refused, asking.query_id)
        except Exception as fault:  # an adapter border: a model reads one fixed sentence
            log.error("tool failed", tool=name, query_id=asking.query_id, exc_info=fault)
            return _failure(Refused(Code.INTERNAL_ERROR), asking.query_id)

    def _check(self, name: str, arguments: Arguments) -> None:
        fault = next(iter(self._checks[name].iter_errors(dict(arguments))), None)
        if fault is not None:
            where = ".".join(map(str, fault.absolute_path)) or "arguments"
            raise Refused(Code.INVALID_REQUEST, f"{where}: {fault.message[:300]}")


def _scope(request: HttpRequest, asking: Asking) -> dict[str, Any]:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": None,
        "server": None,
        _ASKING: asking,
    }


def _listed(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.takes,
        output_schema=tool.gives,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.repeatable,
            open_world_hint=False,
        ),
    )


def _result(content: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(content=[_text(content)], structured_content=content)


def _failure(refused: Refused, query_id: str) -> types.CallToolResult:
    """Return a tool error, as text alone: some clients hold what is structured against the tool's schema."""
    told: dict[str, Any] = {"error": str(refused.code), "message": refused.message, "query_id": query_id}
    if refused.retry_after is not None:
        told["retry_after_seconds"] = refused.retry_after
    return types.CallToolResult(content=[_text(told)], is_error=True)


def _text(content: dict[str, Any]) -> types.TextContent:
    return types.TextContent(type="text", text=json.dumps(content, ensure_ascii=False, default=str))
