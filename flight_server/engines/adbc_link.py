"""One connection to a remote engine, and the thread that alone talks to its driver.

A driver may hang, in a half-open connection for example. So nobody waits in a
driver: whoever wants something of it waits for the thread, and may stop waiting.
"""

from __future__ import annotations

import importlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import Any, TypeVar

import pyarrow as pa

from hatidata_settings.engines import EngineSettings
from hatidata_telemetry.context import NO_TRACE, TraceHeaders

T = TypeVar("T")

_PACKAGES = {
    "flightsql": "adbc_driver_flightsql",
    "postgresql": "adbc_driver_postgresql",
    "snowflake": "adbc_driver_snowflake",
    "bigquery": "adbc_driver_bigquery",
    "sqlite": "adbc_driver_sqlite",
}
_HEADERS = {"flightsql": "adbc.flight.sql.rpc.call_header."}
_KEEPALIVES = "keepalives_idle=5&keepalives_interval=2&keepalives_count=3"


class EngineUnreachableError(Exception):
    """The remote engine, or its driver, does not answer; the text holds no credential."""


def connect(settings: EngineSettings) -> OpenConnection:
    """Return a connection by the driver that *settings* name.

    Raises:
        EngineUnreachableError: The driver manager or the driver is not installed.
    """
    try:
        manager = importlib.import_module("adbc_driver_manager")
        package = _PACKAGES.get(settings.driver)
        driver = importlib.import_module(package)._driver_path() if package else settings.driver
    except ImportError as error:
        raise EngineUnreachableError(f"{error.name} is not installed") from None
    options = {"driver": driver, **settings.options}
    if settings.uri:
        options["uri"] = _kept_alive(settings)
    database = manager.AdbcDatabase(**options)
    connection = manager.AdbcConnection(database)
    return OpenConnection(manager, database, connection, _HEADERS.get(settings.driver, ""))


def _kept_alive(settings: EngineSettings) -> str:
    """Have libpq find out by itself that the other side has gone."""
    if settings.driver != "postgresql" or "://" not in settings.uri or "keepalives" in settings.uri:
        return settings.uri
    joint = "&" if "?" in settings.uri else "?"
    wait = "" if "connect_timeout" in settings.uri else f"&connect_timeout={settings.connect_secs}"
    return f"{settings.uri}{joint}{_KEEPALIVES}{wait}"


class OpenConnection:
    """What the driver manager needs held: database and connection, closed in the right order.

    Args:
        header: What an option is called that sends a header with a call; empty for drivers that send none.
    """

    def __init__(self, manager: Any, database: Any, connection: Any, header: str = "") -> None:
        self._manager = manager
        self._database = database
        self._connection = connection
        self._header = header

    def statement(self, sql: str, trace: TraceHeaders = NO_TRACE) -> Any:
        """Return a statement that will run *sql* as a part of *trace*, where the driver can say so."""
        statement = self._manager.AdbcStatement(self._connection)
        statement.set_sql_query(sql)
        if self._header and trace:
            statement.set_options(**{self._header + name: value for name, value in trace})
        return statement

    def tables(self, schema: str) -> list[str] | None:
        """Return the tables and views in *schema*; None if the engine tells of none by metadata."""
        try:
            depth = self._manager.GetObjectsDepth.TABLES
            handle = self._connection.get_objects(depth, db_schema=schema)
            found = pa.RecordBatchReader._import_from_c(handle.address).read_all().to_pylist()
        except (self._manager.NotSupportedError, pa.ArrowNotImplementedError):
            return None
        schemas = [entry for catalog in found for entry in catalog["catalog_db_schemas"] or ()]
        return [
            table["table_name"]
            for entry in schemas
            if entry["db_schema_name"] == schema
            for table in entry["db_schema_tables"] or ()
        ]

    def ask(self, sql: str) -> pa.Table:
        """Return the whole answer to *sql*."""
        statement = self.statement(sql)
        try:
            return run(statement).read_all()
        finally:
            statement.close()

    def close(self) -> None:
        """Close the connection, and the driver's database with it."""
        self._connection.close()
        self._database.close()


def run(statement: Any) -> pa.RecordBatchReader:
    """Start *statement* and return its rows."""
    handle, _rows = statement.execute_query()
    return pa.RecordBatchReader._import_from_c(handle.address)


class Link:
    """One connection and its thread.

    Args:
        setup: Statements that every connection begins with.
    """

    def __init__(self, settings: EngineSettings, setup: tuple[str, ...] = ()) -> None:
        self._settings = settings
        self._setup = setup
        self._open: OpenConnection | None = None
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.used = 0.0
        self._thread = threading.Thread(target=self._work, name=f"engine {settings.name}", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[OpenConnection], T]) -> Future[T]:
        """Have *work* done with the connection, after what was asked before; it is opened if need be."""
        future: Future[T] = Future()

        def job() -> None:
            try:
                future.set_result(work(self._opened()))
            except BaseException as error:  # noqa: BLE001  # the waiting side raises it
                future.set_exception(error)

        self._jobs.put(job)
        return future

    def ask(self, sql: str, seconds: float) -> pa.Table:
        """Return the whole answer to *sql*.

        Raises:
            EngineUnreachableError: It took longer than *seconds*.
        """
        return self.within(lambda opened: opened.ask(sql), seconds)

    def within(self, work: Callable[[OpenConnection], T], seconds: float) -> T:
        """Return what *work* returns, if it does so within *seconds*."""
        try:
            return self.submit(work).result(timeout=seconds)
        except FutureTimeoutError:
            raise EngineUnreachableError(f"no answer within {seconds:g} s") from None

    def close(self) -> None:
        """Close the connection as soon as its thread is free; does not wait."""
        self._jobs.put(None)

    def _opened(self) -> OpenConnection:
        if self._open is None:
            opened = connect(self._settings)
            for sql in self._setup:
                opened.ask(sql)
            self._open = opened
            self.used = time.monotonic()
        return self._open

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        opened, self._open = self._open, None
        if opened is not None:
            with suppress(Exception):  # a driver that cannot even close has nothing left to give back
                opened.close()
