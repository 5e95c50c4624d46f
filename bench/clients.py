"""The clients with which every contender is measured: pyarrow, ADBC, curl and wrk."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow.flight as flight
import requests
from adbc_driver_flightsql import DatabaseOptions

_WRK_SCRIPT = """wrk.method = "POST"
wrk.body = [==[{body}]==]
{headers}
local failed = 0
function response(status) if status ~= 200 then failed = failed + 1 end end
"""


def flight_options(key: str | None) -> flight.FlightCallOptions:
    """Call options that carry *key*, if there is one."""
    return flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {key}".encode())] if key else [])


def do_get(client: flight.FlightClient, ticket: bytes, options: flight.FlightCallOptions) -> int:
    """Read a whole stream and return its bytes."""
    return sum(chunk.data.nbytes for chunk in client.do_get(flight.Ticket(ticket), options))


def adbc_connection(uri: str, key: str | None) -> flightsql.Connection:
    """A connection of the Flight SQL driver, as its users make it."""
    secret = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {key}"} if key else {}
    return flightsql.connect(uri, db_kwargs=secret, autocommit=True)


def adbc_bytes(connection: flightsql.Connection, sql: str) -> int:
    """Run *sql* by the driver's default path (prepare, info, get, close) and return the Arrow bytes."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        return sum(batch.nbytes for batch in cursor.fetch_record_batch())


def curl_bytes(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Download by curl to nowhere and return the bytes.

    Raises:
        RuntimeError: The answer was not a 200.
    """
    named = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", *named]
    done = subprocess.run([*command, "--data-binary", "@-", url], input=body, capture_output=True, check=True)
    status, size = done.stdout.split()
    if status != b"200":
        raise RuntimeError(f"curl {url}: HTTP {status.decode()}")
    return int(size)


def http_requests_per_second(
    url: str, body: bytes, headers: Mapping[str, str], connections: int, seconds: int
) -> float:
    """Requests in a second by wrk.

    Raises:
        RuntimeError: wrk counted an answer that was not a 2xx or a socket error.
    """
    script = _WRK_SCRIPT.format(
        body=body.decode(), headers="\n".join(f'wrk.headers["{n}"] = "{v}"' for n, v in headers.items())
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "post.lua"
        file.write_text(script)
        command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", str(file), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"wrk {url}: {said}")
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])


def wrk_is_there() -> bool:
    """Whether wrk can be used; without it a Python client takes its place."""
    return shutil.which("wrk") is not None


def post_call(url: str, body: bytes, headers: Mapping[str, str]) -> Callable[[], object]:
    """A call that posts over one kept connection."""
    session = requests.Session()
    session.headers.update(headers)

    def call() -> object:
        response = session.post(url, data=body)
        response.raise_for_status()
        return response.content

    return call


def ticket(sql: str, **fields: Any) -> bytes:
    """A JSON ticket, and the same JSON for an HTTP body."""
    return json.dumps({"sql": sql, **fields}).encode()
