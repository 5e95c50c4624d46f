"""The settings that lock DuckDB down, applied before the first query and read back.

Order matters: disabling the local file system before external access makes the
second setting fail silently, so it comes last and everything is verified.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

CONNECT: dict[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "allow_persistent_secrets": "false",
    "catalog_error_max_schemas": "0",
    "preserve_insertion_order": "true",
}

LOCKED: dict[str, str] = {
    "allow_extension_repositories": "forbidden",
    "max_expression_depth": "1000",
    "arrow_lossless_conversion": "false",
    "TimeZone": "UTC",
    "enable_external_access": "false",
    "lock_configuration": "true",
}

EMPTY = ("active_grammar_extensions",)


class NotLocked(Exception):
    """A setting did not take; the service must not start."""


def lock(connection: duckdb.DuckDBPyConnection, data_directories: Sequence[str]) -> None:
    """Lock the instance of *connection* down, for good.

    Args:
        data_directories: Directories that administrators may read files from.

    Raises:
        NotLocked: A setting does not read back as it was set.
    """
    if data_directories:
        quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in data_directories)
        connection.execute(f"SET allowed_directories = [{quoted}]")
    for name, value in LOCKED.items():
        connection.execute(f"SET GLOBAL {name} = '{value}'")
    verify(connection)


def verify(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise `NotLocked` unless every setting reads as it must."""
    wanted = {**CONNECT, **LOCKED}
    faults = []
    for name, value in wanted.items():
        row = connection.execute(f"SELECT current_setting('{name}')").fetchone()
        actual = str(row[0]).lower() if row else ""
        if actual != value.lower():
            faults.append(f"{name} is {actual}, not {value}")
    for name in EMPTY:
        row = connection.execute(f"SELECT current_setting('{name}')").fetchone()
        if row and row[0]:
            faults.append(f"{name} is not empty: {row[0]}")
    if faults:
        raise NotLocked("DuckDB could not be locked down: " + "; ".join(faults))
