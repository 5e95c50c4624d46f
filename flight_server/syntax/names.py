"""How names are compared and how a written name finds its table.

DuckDB folds ASCII letters only: `É` and `é` are two tables, which `str.lower`
would make one. Every comparison of identifiers goes through `fold`.
"""

from __future__ import annotations

from collections.abc import Collection

from flight_server.model import TableName

PUBLIC_CATALOG = "hatidata"
DEFAULT_SCHEMA = "main"

_FOLD = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(name: str) -> str:
    """Return *name* with ASCII capitals lowered and everything else untouched."""
    return name.translate(_FOLD)


def quote(name: str) -> str:
    """Return *name* as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def resolve(path: list[str], schemas: Collection[str], default_schema: str) -> TableName | None:
    """Return the table of the public catalog that *path* names, or None for another catalog's.

    Args:
        path: One to three parts, as written.
        schemas: Folded names of the schemas that exist.
        default_schema: The session's current schema.
    """
    folded = [fold(part) for part in path]
    if len(folded) == 1:
        return TableName(default_schema, folded[0])
    remote = _remote(folded, schemas)
    if remote is not None:
        return remote
    if len(folded) == 2 and (folded[0] in schemas or folded[0] != PUBLIC_CATALOG):
        return TableName(folded[0], folded[1])
    if len(folded) == 2:
        return TableName(DEFAULT_SCHEMA, folded[1])
    if len(folded) == 3 and folded[0] == PUBLIC_CATALOG:
        return TableName(folded[1], folded[2])
    return None


def _remote(folded: list[str], schemas: Collection[str]) -> TableName | None:
    """Return the remote engine's table that *folded* names; its schema is `engine.schema`."""
    engine, *rest = folded
    schema = f"{engine}.{rest[0] if len(rest) == 2 else DEFAULT_SCHEMA}"
    return TableName(schema, rest[-1]) if engine not in schemas and schema in schemas else None


def parse_name(text: str) -> TableName:
    """Return the table that a policy file's `table` or `schema.table` names."""
    schema, _, table = text.rpartition(".")
    return TableName(fold(schema) or DEFAULT_SCHEMA, fold(table))
