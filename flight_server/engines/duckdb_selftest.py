"""What the row security relies on and DuckDB does not document, tried out at every start.

The fence (a LIMIT that no predicate passes) and TRY (which keeps raising
expressions above it) are observations of one version's optimiser.
"""

from __future__ import annotations

import duckdb

from flight_server.syntax.functions import unclassified
from flight_server.syntax.secure import FENCE

_SECURED = (
    "(SELECT TRY(v) AS v, TRY(k) AS k FROM "
    "(SELECT * FROM probe.probe WHERE k IN (SELECT k FROM probe.probe WHERE k < 10) "
    f"LIMIT {FENCE}) AS f) AS s"
)
_SILENT = (
    f"SELECT count(*) FROM {_SECURED} WHERE CAST(v AS INTEGER) >= 0",
    f"SELECT count(*) FROM {_SECURED} JOIN (VALUES (1)) AS o(n) ON CAST(s.v AS INTEGER) // o.n >= 0",
    f"WITH c AS MATERIALIZED (SELECT * FROM {_SECURED}) SELECT count(*) FROM c WHERE CAST(v AS INTEGER) >= 0",
    f"SELECT sum(CAST(v AS INTEGER)) FROM {_SECURED} GROUP BY k HAVING max(CAST(v AS INTEGER)) >= 0",
)
_REFUSED = (
    "WITH c AS (COPY probe.probe TO '/nowhere/probe.csv') SELECT 1",
    "SELECT * FROM read_csv('/nowhere/probe.csv')",
    "SET threads = 1",
    "ATTACH '/nowhere/probe.duckdb' AS other",
)
"""Statements that the lock must refuse; the folder does not exist, so that nothing is left if it does not."""
_LOCKED = ("disabled by configuration", "configuration has been locked")


class EngineUnusable(Exception):
    """The engine is not what this code was reviewed for; the service must not start."""


def self_test(connection: duckdb.DuckDBPyConnection) -> None:
    """Try out what the row security relies on, on rows of its own.

    Raises:
        EngineUnusable: Something does not hold, or a function has no verdict.
    """
    faults = [f"function {name} has no verdict" for name in unclassified(connection)]
    connection.execute("CREATE SCHEMA memory.probe")
    connection.execute(
        "CREATE TABLE memory.probe.probe AS "
        "SELECT i AS k, CASE WHEN i < 10 THEN i::VARCHAR ELSE 'hidden' END AS v FROM range(5000) t(i)"
    )
    try:
        faults += [f"the fence lets through: {sql}" for sql in _SILENT if not _succeeds(connection, sql)]
        faults += [f"not refused: {sql}" for sql in _REFUSED if not _is_locked(connection, sql)]
        if _statistics_pass(connection):
            faults.append("column statistics pass the fence")
    finally:
        connection.execute("DROP SCHEMA memory.probe CASCADE")
    if faults:
        raise EngineUnusable(f"DuckDB {duckdb.__version__} is not as reviewed: " + "; ".join(faults[:20]))


def _succeeds(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    try:
        connection.execute(sql).fetchall()
    except duckdb.Error:
        return False
    return True


def _is_locked(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Tell whether the lock itself refuses *sql*."""
    try:
        connection.execute(sql).fetchall()
    except duckdb.Error as error:
        return any(words in str(error) for words in _LOCKED)
    return False


def _statistics_pass(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether statistics of the visible rows hold a value of the others."""
    row = connection.execute(f"SELECT min(k), any_value(stats(v)) FROM {_SECURED}").fetchone()
    return row is None or row[0] != 0 or "hidden" in str(row[1])
