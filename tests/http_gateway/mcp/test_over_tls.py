"""The official client over TLS, on both transports."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest
import requests
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.fixtures.certs import Certificates
from tests.fixtures.gateway import Pair, make_pair, start_pair
from tests.fixtures.service import plain_environment
from tests.http_gateway.mcp.test_over_http import LARGE

Work = Callable[[Client], Awaitable[Any]]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Pair]:
    """Two processes that speak TLS only."""
    files = {"tls_cert": str(certificates.server_cert), "tls_key": str(certificates.server_key)}
    pair = make_pair(tmp_path_factory.mktemp("secured") / "hati", tls="true", **files)
    pair.verify = str(certificates.ca)
    try:
        yield start_pair(pair)
    finally:
        pair.close()


async def over_http(pair: Pair, certificates: Certificates, work: Work) -> Any:
    trust = ssl.create_default_context(cafile=certificates.ca)
    async with httpx2.AsyncClient(verify=trust, timeout=60) as http_client:
        transport = streamable_http_client(f"{pair.uri('mcp')}/mcp", http_client=http_client)
        async with Client(transport) as client:
            return await work(client)


async def over_stdio(pair: Pair, certificates: Certificates, work: Work) -> Any:
    options = ["mcp", "--url", f"{pair.uri('mcp')}/mcp", "--ca-file", str(certificates.ca)]
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "hatidata_agent", "--home", str(pair.home), *options],
        env=plain_environment(),
    )
    async with Client(parameters) as client:
        return await work(client)


def test_both_transports_answer_over_tls(secured: Pair, certificates: Certificates) -> None:
    async def work(client: Client) -> tuple[int, Any, str]:
        tools = await client.list_tools()
        small = await client.call_tool("read_query", {"sql": "SELECT 42 AS a"})
        large = await client.call_tool("run_sql_arrow", {"sql": LARGE})
        assert small.structured_content is not None
        assert large.structured_content is not None
        handle = large.structured_content["result_handle"]
        return len(tools.tools), small.structured_content["rows"], handle["url"]

    for carry in (over_http, over_stdio):
        count, rows, url = asyncio.run(carry(secured, certificates, work))

        assert (count, rows) == (12, [{"a": 42}])
        assert url.startswith("https://")
        assert requests.get(url, verify=str(certificates.ca), timeout=30).headers["X-Row-Count"] == "200000"


def test_a_stranger_is_not_trusted(secured: Pair, certificates: Certificates) -> None:
    address = f"{secured.uri('mcp')}/mcp"

    with pytest.raises(requests.exceptions.SSLError):
        requests.post(address, json={}, verify=str(certificates.stranger_ca), timeout=30)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.post(address.replace("https", "http"), json={}, timeout=30)
