"""The commands that a new user can paste as they are: plain lines, no frame around them."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from hatidata_agent.service.endpoints import Endpoints, port_of

_DEMO_SQL = "SELECT region, SUM(revenue) AS total FROM sales GROUP BY region"
_PLAIN_SQL = "SELECT 42 AS answer"
_KEY = "HATIDATA_API_KEY"


def welcome(endpoints: Endpoints, *, dev_mode: bool, demo: bool) -> str:
    """Return the addresses and one command each for curl, Flight, ADBC and Polars.

    Args:
        dev_mode: Whether a request without a key is served; otherwise the commands use HATIDATA_API_KEY.
        demo: Whether the demo tables are there to be asked for.
    """
    sql = _DEMO_SQL if demo else _PLAIN_SQL
    commands = (
        ("curl", _curl(endpoints, sql, dev_mode)),
        ("pyarrow.flight", _python(_flight(endpoints, sql, dev_mode))),
        ("ADBC", _python(_adbc(endpoints, sql, dev_mode))),
        ("Polars", _python(_polars(endpoints, sql))),
    )
    parts = [f"HatiData is ready: HTTP {endpoints.http}, MCP {endpoints.mcp}, Flight {endpoints.flight}"]
    parts.append(f"Console, for your browser: {endpoints.mcp}/")
    if not dev_mode:
        parts.append(f"# A key is needed:\nexport {_KEY}=$(hati keys create --role analyst)")
    parts += [f"# {name}\n{command}" for name, command in commands]
    return "\n\n".join(parts) + "\n"


def _curl(endpoints: Endpoints, sql: str, dev_mode: bool) -> str:
    key = "" if dev_mode else f' -H "Authorization: Bearer ${_KEY}"'
    secure = " --insecure" if endpoints.http.startswith("https") else ""
    body = shlex.quote(f'{{"sql": "{sql}"}}')
    return f"curl -s{secure} {endpoints.http}/v1/query{key} -H 'Content-Type: application/json' -d {body}"


def _flight(endpoints: Endpoints, sql: str, dev_mode: bool) -> str:
    imports = "import pyarrow.flight as fl"
    options = ""
    if not dev_mode:
        imports = "import os, pyarrow.flight as fl"
        header = f'(b"authorization", b"Bearer " + os.environb[b"{_KEY}"])'
        options = f", fl.FlightCallOptions(headers=[{header}])"
    return (
        f'{imports}; client = fl.connect("{_dialled(endpoints.flight)}"{_unverified(endpoints)}); '
        f'print(client.do_get(fl.Ticket("{sql}"){options}).read_all())'
    )


def _adbc(endpoints: Endpoints, sql: str, dev_mode: bool) -> str:
    imports, arguments = "import adbc_driver_flightsql.dbapi as adbc", ""
    settings = []
    if not dev_mode:
        imports = "import os, adbc_driver_flightsql.dbapi as adbc"
        settings.append(f'"adbc.flight.sql.authorization_header": "Bearer " + os.environ["{_KEY}"]')
    if "+tls" in endpoints.flight:
        settings.append('"adbc.flight.sql.client_option.tls_skip_verify": "true"')
    if settings:
        arguments = f", db_kwargs={{{', '.join(settings)}}}"
    return (
        f'{imports}; connection = adbc.connect("{_dialled(endpoints.flight)}"{arguments}); '
        f'cursor = connection.cursor(); cursor.execute("{sql}"); print(cursor.fetch_arrow_table()); '
        "cursor.close(); connection.close()"
    )


def _polars(endpoints: Endpoints, sql: str) -> str:
    tls = ', ca_file="ca.pem"' if endpoints.http.startswith("https") else ""
    return (
        "from hatidata_agent import HatiDataAgent; "
        f'print(HatiDataAgent("localhost", {port_of(endpoints.http)}{tls}).query_polars("{sql}"))'
    )


def _dialled(uri: str) -> str:
    """Return *uri* as gRPC clients spell it."""
    return uri.replace("0.0.0.0", "127.0.0.1")


def _unverified(endpoints: Endpoints) -> str:
    return ", disable_server_verification=True" if "+tls" in endpoints.flight else ""


def _python(program: str) -> str:
    return f"{_interpreter()} -c {shlex.quote(program)}"


def _interpreter() -> str:
    """Return this interpreter as a person in the working directory would type it."""
    path = Path(sys.executable)
    here = Path(os.getcwd())  # noqa: PTH109 - Path.cwd resolves links, and the prompt shows them
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
