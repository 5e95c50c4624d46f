"""The one list of settings: name, type, default, range and meaning of each.

A new setting is one line here; the loader, docs/settings.md and the environment
variable follow from it. Sizes of zero mean "chosen by the system" only where the
line says so.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, Literal, TypeVar

from hatidata_settings.engines import EngineSettings

T = TypeVar("T")

Loggable = Literal["auto", "json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]
Fsync = Literal["interval", "always", "never"]
Setting = bool | int | str | tuple[str, ...]

MEMORY_DATABASE: Final = ":memory:"
_PORT: Final = (0, 65_535)
_COUNT: Final = (1, 1_000_000)
_BYTES: Final = (1, 1 << 44)
_SECONDS: Final = (1, 86_400)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the loader checks about one setting, and what the page says about it.

    Attributes:
        span: Lowest and highest value of an integer.
        choices: The only values of a string, or none.
        path: A file or folder; the loader makes it absolute.
    """

    doc: str
    unit: str = ""
    span: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()
    path: bool = False


def _setting(
    default: T,
    doc: str,
    unit: str = "",
    *,
    span: tuple[int, int] | None = None,
    choices: tuple[str, ...] = (),
    path: bool = False,
) -> T:
    value: T = field(default=default, metadata={"rule": Rule(doc, unit, span, choices, path)})
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked; only `load_settings` makes one outside tests.

    Paths are absolute, or empty where empty means a place under *home*: read
    those through the properties at the end.
    """

    home: Path

    dev_mode: bool = _setting(
        False, "A request without credentials acts as principal `dev` with role `admin`; loopback only"
    )
    host: str = _setting("127.0.0.1", "Address that every port listens on")
    http_port: int = _setting(5439, "HTTP; 0 lets the system choose", "port", span=_PORT)
    mcp_port: int = _setting(5440, "MCP and HTTP with the second profile of answers", "port", span=_PORT)
    flight_port: int = _setting(8815, "Flight and Flight SQL", "port", span=_PORT)
    health_port: int = _setting(8816, "gRPC health", "port", span=_PORT)
    metrics_port: int = _setting(9090, "Prometheus metrics", "port", span=_PORT)

    tls: bool = _setting(False, "Serve HTTPS and gRPC over TLS; needs `tls_cert` and `tls_key`")
    tls_cert: str = _setting("", "Server certificate, PEM", path=True)
    tls_key: str = _setting("", "Its private key, PEM", path=True)
    client_ca: str = _setting(
        "", "Authority that client certificates must be signed by; empty asks for none", path=True
    )

    duckdb_path: str = _setting(
        "", "Database file; empty is `HOME/warehouse.duckdb`, `:memory:` keeps nothing", path=True
    )
    duckdb_memory_limit_mb: int = _setting(
        0, "Memory of the engine; 0 is 60 % of the machine's", "MiB", span=(0, 1 << 24)
    )
    duckdb_threads: int = _setting(0, "Threads of the engine; 0 is one for each core", span=(0, 1024))
    temp_directory: str = _setting("", "Where the engine spills; empty is `HOME/run/tmp`", path=True)
    duckdb_max_temp_mb: int = _setting(10_240, "Most that the engine may spill", "MiB", span=(0, 1 << 24))
    data_directories: tuple[str, ...] = _setting(
        (), "Folders from which admins may read files; in the variable separated as in PATH", path=True
    )

    max_concurrent_queries: int = _setting(64, "Queries that run at once, over all protocols", span=_COUNT)
    max_queued_queries: int = _setting(256, "Queries that may wait for a slot", span=(0, 1_000_000))
    query_timeout_secs: int = _setting(300, "Longest time that a query may ask for", "s", span=_SECONDS)
    default_timeout_ms: int = _setting(
        30_000, "Time of a query that asks for none", "ms", span=(1, 86_400_000)
    )
    max_sql_bytes: int = _setting(1 << 20, "Longest SQL text", "bytes", span=_BYTES)
    max_result_bytes: int = _setting(
        100_000_000, "Largest Arrow or JSON result over HTTP", "bytes", span=_BYTES
    )
    spool_memory_bytes: int = _setting(
        512 << 20, "Memory for results being gathered, over all requests of the gateway", "bytes", span=_BYTES
    )
    spool_threshold_bytes: int = _setting(
        16 << 20, "A result larger than this goes to a file", "bytes", span=_BYTES
    )
    spool_directory: str = _setting("", "Where those files are; empty is `HOME/run/spool`", path=True)
    drain_grace_secs: int = _setting(10, "Time that running queries get on SIGTERM", "s", span=(0, 86_400))
    drain_delay_secs: int = _setting(
        0,
        "Time for which the gateway goes on after SIGTERM while `/ready` says no, for balancers to turn away",
        "s",
        span=(0, 3600),
    )
    batch_bytes: int = _setting(1_000_000, "Size at which batches are cut", "bytes", span=(1024, 2_500_000))

    compile_cache_entries: int = _setting(4096, "Compiled statements kept", span=(0, 1_000_000))
    cache_l1_max_entries: int = _setting(200, "Results kept in memory", span=(0, 1_000_000))
    cache_l1_max_size_mb: int = _setting(256, "Memory that they may take", "MiB", span=(0, 1 << 24))
    cache_l1_ttl_seconds: int = _setting(60, "How long", "s", span=(0, 86_400))
    cache_l2_max_size_mb: int = _setting(512, "Results kept on disk", "MiB", span=(0, 1 << 24))
    cache_l2_ttl_seconds: int = _setting(600, "How long", "s", span=(0, 86_400))

    embeddings_url: str = _setting(
        "", "OpenAI-compatible endpoint, such as `http://host:8090/v1/embeddings`; empty is WordLlama"
    )
    embeddings_model: str = _setting("text-embedding-3-small", "Model that the endpoint is asked for")
    embeddings_api_key_env: str = _setting("", "Variable that holds the endpoint's key; empty sends none")

    session_idle_secs: int = _setting(900, "A session unused for this long is closed", "s", span=_SECONDS)
    max_sessions_per_principal: int = _setting(64, "Open sessions of one principal", span=_COUNT)
    gateway_threads: int = _setting(32, "Requests that the gateway handles at once", span=(1, 4096))
    flight_uri: str = _setting("", "Flight server of the gateway; empty reads `HOME/run/flight.json`")
    gateway_token_file: str = _setting(
        "",
        "Secret of 64 characters that a Flight server and the gateways of other homes share; "
        "empty is `HOME/run/gateway.token`, made at the first start",
        path=True,
    )
    trusted_proxies: str = _setting(
        "",
        "Addresses and networks, with commas between them, of balancers that are believed when their "
        "`X-Forwarded-For` names the caller",
    )

    log_format: Loggable = _setting("auto", "`auto` is text on a terminal", choices=("auto", "json", "text"))
    log_level: LogLevel = _setting(
        "info", "Least level logged", choices=("debug", "info", "warning", "error")
    )
    log_max_file_mb: int = _setting(
        64,
        "Size at which `HOME/logs/serve.log` of a service in the background is begun anew; three files "
        "before it are kept; 0 lets it grow",
        "MiB",
        span=(0, 1 << 20),
    )
    otel_endpoint: str = _setting(
        "",
        "OpenTelemetry collector that traces go to, by OTLP over gRPC, such as `http://127.0.0.1:4317`; "
        "empty records none; needs the extra `otel`",
    )
    otel_sample_percent: int = _setting(
        100, "Share of the traces that begin here that are recorded", "%", span=(0, 100)
    )
    audit_fsync: Fsync = _setting(
        "interval", "When the audit log is forced to disk", choices=("interval", "always", "never")
    )
    audit_max_file_mb: int = _setting(64, "Size at which an audit file is closed", "MiB", span=(1, 1 << 20))

    engines: tuple[EngineSettings, ...] = ()

    @property
    def database(self) -> str:
        """The database file's absolute path, or `:memory:`."""
        return self.duckdb_path or str(self.home / "warehouse.duckdb")

    @property
    def run_folder(self) -> Path:
        """Where processes meet: endpoints, tokens, process ids."""
        return self.home / "run"

    @property
    def temp_folder(self) -> Path:
        """Where the engine spills."""
        return Path(self.temp_directory) if self.temp_directory else self.run_folder / "tmp"

    @property
    def proxies(self) -> tuple[str, ...]:
        """The addresses and networks of `trusted_proxies`."""
        return tuple(part.strip() for part in self.trusted_proxies.split(",") if part.strip())

    @property
    def gateway_token(self) -> Path:
        """The secret by which the Flight server knows its gateways."""
        return Path(self.gateway_token_file) if self.gateway_token_file else self.run_folder / "gateway.token"

    @property
    def spool_folder(self) -> Path:
        """Where the gateway keeps large results."""
        return Path(self.spool_directory) if self.spool_directory else self.run_folder / "spool"


RULES: Final[dict[str, tuple[Setting, Rule]]] = {
    entry.name: (getattr(Settings(home=Path()), entry.name), entry.metadata["rule"])
    for entry in fields(Settings)
    if "rule" in entry.metadata
}
"""Default and rule of every setting, in the order of the page."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach *host*; of names, only localhost is trusted to be so."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
