"""`hati mcp`: the MCP server of a running service, over standard input and output.

The service answers MCP at `POST /mcp`, one request at a time and without sessions. So this
only carries lines: each message on standard input is one POST, and its answer is one line.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from hatidata_agent.cli.exits import Failure
from hatidata_agent.cli.options import TlsFiles, examples, home_option, running_service, tls_options
from hatidata_agent.credentials import find_key

AT_ONCE: Final = 16
LONGEST_WAIT_SECS: Final = 3600.0
_FAILED_BELOW: Final = -32000
_META: Final = "io.modelcontextprotocol/protocolVersion"

_EXAMPLES = examples(
    "hati mcp",
    "claude mcp add hatidata -- hati --home /srv/hati mcp",
    "hati mcp --url http://data.example:5440/mcp",
)

Message = dict[str, Any]
"""A JSON-RPC message; `Any` because it is JSON."""


@click.command("mcp", epilog=_EXAMPLES)
@home_option
@click.option("--url", help="The service's /mcp; without it, that of the running service of this home.")
@click.option("--agent", "agent_id", default="", help="Name the agent; needs a key that allows it.")
@tls_options
def command(home: Path, url: str | None, agent_id: str, tls_files: TlsFiles) -> None:
    """Serve MCP over standard input and output, for the service of this home.

    The key is HATIDATA_API_KEY, or HOME/api_key.
    """
    key = find_key(None, home)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if agent_id:
        headers["X-Agent-Id"] = agent_id
    Carrier(lambda: url or _running(home), headers, tls_files).serve()


def _running(home: Path) -> str:
    """Return where the service of *home* is now; it may have been started anew meanwhile."""
    return f"{running_service(home).mcp}/mcp"


class Carrier:
    """Carries messages between standard input and output and the service.

    Args:
        where: Returns the address of the service.
        headers: Say who asks.
    """

    def __init__(self, where: Callable[[], str], headers: Mapping[str, str], tls_files: TlsFiles) -> None:
        self._where = where
        self._headers = {
            **headers,
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        self._tls_files = tls_files
        self._version = ""
        self._lock = threading.Lock()
        self._running: dict[str, http.client.HTTPConnection] = {}

    def serve(self) -> None:
        """Carry until standard input ends."""
        self._where()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mcp") as pool:
            for line in sys.stdin:
                if line.strip():
                    self._take(line, pool)

    def _take(self, line: str, pool: ThreadPoolExecutor) -> None:
        """Send one message; those with which a conversation begins are answered before the next is read."""
        try:
            message = json.loads(line)
        except ValueError:
            self._write(_error(None, -32700, "this is not JSON"))
            return
        method = message.get("method") if isinstance(message, dict) else None
        if method == "notifications/cancelled":
            self._cancel(message)
        elif method == "initialize":
            self._carry(line, message)
        else:
            pool.submit(self._carry, line, message if isinstance(message, dict) else {})

    def _carry(self, line: str, message: Message) -> None:
        name = json.dumps(message.get("id"))
        try:
            parts = urlsplit(self._where())
            with closing(self._connected(parts.scheme, parts.netloc)) as connection:
                self._note(name, connection)
                headers = self._headers | self._about(message)
                connection.request("POST", parts.path, line.encode(), headers)
                answer = connection.getresponse()
                text = answer.read().decode()
            self._deliver(message, answer.status, text)
        except (OSError, ValueError, http.client.HTTPException, Failure):
            if self._forget(name) and "id" in message:
                self._write(_error(message["id"], _FAILED_BELOW, "[SERVICE_UNAVAILABLE] no service answers"))
        finally:
            self._forget(name)

    def _connected(self, scheme: str, address: str) -> http.client.HTTPConnection:
        """Return a new connection: a message that is not wanted any more is stopped by hanging up."""
        if scheme == "http":
            return http.client.HTTPConnection(address, timeout=LONGEST_WAIT_SECS)
        import ssl

        files = self._tls_files
        context = ssl.create_default_context(cafile=files["ca_file"])
        if files["cert_file"] is not None:
            context.load_cert_chain(files["cert_file"], files["key_file"])
        return http.client.HTTPSConnection(address, timeout=LONGEST_WAIT_SECS, context=context)

    def _about(self, message: Message) -> dict[str, str]:
        """Return the headers that repeat what a message says, as the protocol over HTTP demands."""
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        version = meta.get(_META) if isinstance(meta, dict) else None
        if version is None:
            return {"Mcp-Protocol-Version": self._version} if self._version else {}
        told = {"Mcp-Protocol-Version": str(version), "Mcp-Method": str(message.get("method", ""))}
        named = params.get("name")
        return told | ({"Mcp-Name": named} if isinstance(named, str) else {})

    def _deliver(self, message: Message, status: int, text: str) -> None:
        """Write the answer to *message*; a notification has none."""
        if "id" not in message:
            return
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {}
        if not isinstance(answer, dict) or "jsonrpc" not in answer:
            code, told = answer.get("error", status), answer.get("message", "no answer")
            answer = _error(message["id"], _FAILED_BELOW, f"[{code}] {told}")
        if message.get("method") == "initialize" and "result" in answer:
            self._version = str(answer["result"].get("protocolVersion", ""))
        self._write(answer)

    def _write(self, message: Message) -> None:
        line = json.dumps(message, ensure_ascii=False)
        with self._lock:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    def _note(self, name: str, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._running[name] = connection

    def _forget(self, name: str) -> bool:
        """Forget a request; tell whether it had not been cancelled."""
        with self._lock:
            return self._running.pop(name, None) is not None

    def _cancel(self, message: Message) -> None:
        """Hang up on the request that is not wanted any more: the service then stops it."""
        params = message.get("params") or {}
        with self._lock:
            connection = self._running.pop(json.dumps(params.get("requestId")), None)
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)


def _error(identity: object, code: int, text: str) -> Message:
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": text}}
