"""Which DuckDB types Arrow cannot hold without loss, and what goes over the wire instead.

HUGEINT goes as decimal128(38, 0), whose 128 bits hold every value; UUID and
JSON go as text. The SQL type's name stands in the field's metadata under the
Flight SQL key, so that nothing about the type is lost either.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from flight_server.syntax.names import quote

TYPE_NAME = b"ARROW:FLIGHT:SQL:TYPE_NAME"

_AS_TEXT = frozenset({"enum", "bit", "time with time zone", "uhugeint", "bignum", "variant"})
_NAMED = frozenset({"uuid", "hugeint", "interval", "union"}) | _AS_TEXT


def needs_cast(kind: DuckDBPyType) -> bool:
    """Tell whether values of *kind*, or values inside of them, go as text."""
    return str(kind.id) in _AS_TEXT or any(needs_cast(child) for child in _children(kind))


def wire_type(kind: DuckDBPyType) -> str:
    """Return the SQL type that *kind* is cast to."""
    name = str(kind.id)
    if name in _AS_TEXT:
        return "VARCHAR"
    if not needs_cast(kind):
        return str(kind)
    if name == "tuple":
        return f"TUPLE({', '.join(map(wire_type, _children(kind)))})"
    inner = {key: wire_type(child) for key, child in kind.children if isinstance(child, DuckDBPyType)}
    if name == "list":
        return f"{inner['child']}[]"
    if name == "array":
        return f"{inner['child']}[{dict(kind.children)['size']}]"
    if name == "map":
        return f"MAP({inner['key']}, {inner['value']})"
    fields = ", ".join(f"{quote(key)} {text}" for key, text in inner.items() if key)
    return f"{name.upper()}({fields})"


def wire_sql(sql: str, kinds: Sequence[DuckDBPyType]) -> str:
    """Return *sql* with the outputs cast that Arrow cannot hold; names and order stay."""
    names = [f"c{index}" for index in range(len(kinds))]
    return f"SELECT {_outputs(names, names, kinds)} FROM ({sql}\n) AS t({', '.join(names)})"


def wire_outputs(kinds: Sequence[DuckDBPyType]) -> str:
    """Return the select list that makes of a result's columns, by position, what Arrow can hold."""
    positions = [f"#{index + 1}" for index in range(len(kinds))]
    return _outputs(positions, [f"c{index}" for index in range(len(kinds))], kinds)


def _outputs(columns: Sequence[str], names: Sequence[str], kinds: Sequence[DuckDBPyType]) -> str:
    return ", ".join(
        f"CAST({column} AS {wire_type(kind)}) AS {name}" if needs_cast(kind) else f"{column} AS {name}"
        for column, name, kind in zip(columns, names, kinds, strict=True)
    )


def wire_schema(schema: pa.Schema, names: Sequence[str], kinds: Sequence[DuckDBPyType]) -> pa.Schema:
    """Return *schema* with the result's own names, and SQL type names where Arrow's type says too little."""
    if list(names) == schema.names and not any(str(k.id) in _NAMED or str(k) == "JSON" for k in kinds):
        return schema
    fields = []
    for field, name, kind in zip(schema, names, kinds, strict=True):
        metadata = dict(field.metadata or {})
        if str(kind.id) in _NAMED or str(kind) == "JSON":
            metadata[TYPE_NAME] = str(kind).encode()
        fields.append(pa.field(name, field.type, True, metadata or None))
    return pa.schema(fields)


def _children(kind: DuckDBPyType) -> list[DuckDBPyType]:
    if str(kind.id) not in ("list", "array", "map", "struct", "tuple", "union"):
        return []
    return [child for _, child in kind.children if isinstance(child, DuckDBPyType)]
