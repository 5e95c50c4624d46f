"""Just enough of the Kubernetes API for Sail to start its workers here, as processes of their own.

In its mode local-cluster Sail runs all workers as threads of one process, none
of which can be killed alone. In its mode kubernetes-cluster it asks for a pod for
each worker; here a pod is a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

_CONFIG = """\
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: me, user: {{token: none}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me, namespace: default}}}}]
"""


class Pods:
    """The worker processes that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()

    @property
    def alive(self) -> list[subprocess.Popen[bytes]]:
        """The workers that run."""
        return [worker for worker in self.workers if worker.poll() is None]

    def start(self, pod: dict[str, Any]) -> None:
        """Start the worker that *pod* describes."""
        told = pod["spec"]["containers"][0]["env"]
        environ = {entry["name"]: entry.get("value") or "127.0.0.1" for entry in told}
        environ["SAIL_CLUSTER__WORKER_LISTEN_HOST"] = "127.0.0.1"
        with self._lock:
            command = [str(Path(sys.executable).with_name("sail")), "worker"]
            with (self.folder / f"worker{len(self.workers)}.txt").open("wb") as output:
                self.workers.append(
                    subprocess.Popen(
                        command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environ}
                    )
                )

    def stop(self) -> None:
        """Kill every worker."""
        with self._lock:
            for worker in self.workers:
                worker.kill()
                worker.wait()


class _Api(BaseHTTPRequestHandler):
    pods: ClassVar[Pods]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        pod = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.pods.start(pod)
        self._answer(201, pod)

    def do_DELETE(self) -> None:
        self.pods.stop()
        self._answer(200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})

    def _answer(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def pods(folder: Path) -> Iterator[tuple[Pods, dict[str, str]]]:
    """Yield the pods and what Sail's environment must say to find them."""
    started = Pods(folder)
    handler = type("Api", (_Api,), {"pods": started})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, name="pods", daemon=True).start()
    config = folder / "kubeconfig"
    config.write_text(_CONFIG.format(port=server.server_address[1]))
    try:
        yield started, {"SAIL_MODE": "kubernetes-cluster", "KUBECONFIG": str(config)}
    finally:
        started.stop()
        server.shutdown()
        server.server_close()
