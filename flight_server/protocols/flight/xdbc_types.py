"""What GetXdbcTypeInfo says of the SQL types, in the order of their ODBC numbers. Pure."""

from __future__ import annotations

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("type_name", pa.utf8(), False),
        pa.field("data_type", pa.int32(), False),
        pa.field("column_size", pa.int32()),
        pa.field("literal_prefix", pa.utf8()),
        pa.field("literal_suffix", pa.utf8()),
        pa.field("create_params", pa.list_(pa.field("item", pa.utf8(), False))),
        pa.field("nullable", pa.int32(), False),
        pa.field("case_sensitive", pa.bool_(), False),
        pa.field("searchable", pa.int32(), False),
        pa.field("unsigned_attribute", pa.bool_()),
        pa.field("fixed_prec_scale", pa.bool_(), False),
        pa.field("auto_increment", pa.bool_()),
        pa.field("local_type_name", pa.utf8()),
        pa.field("minimum_scale", pa.int32()),
        pa.field("maximum_scale", pa.int32()),
        pa.field("sql_data_type", pa.int32(), False),
        pa.field("datetime_subcode", pa.int32()),
        pa.field("num_prec_radix", pa.int32()),
        pa.field("interval_precision", pa.int32()),
    ]
)

_FULL = 3
_QUOTED = "'"
_DATETIME = 9

# name, ODBC type, size, quote of literals, unsigned, scale, radix, datetime subcode
_TYPES: tuple[tuple[str, int, int, str | None, bool | None, int | None, int | None, int | None], ...] = (
    ("BOOLEAN", -7, 1, None, None, None, None, None),
    ("TINYINT", -6, 3, None, False, 0, 10, None),
    ("UTINYINT", -6, 3, None, True, 0, 10, None),
    ("BIGINT", -5, 19, None, False, 0, 10, None),
    ("UBIGINT", -5, 20, None, True, 0, 10, None),
    ("BLOB", -3, 2_147_483_647, _QUOTED, None, None, None, None),
    ("DECIMAL", 3, 38, None, False, 38, 10, None),
    ("HUGEINT", 3, 38, None, False, 0, 10, None),
    ("INTEGER", 4, 10, None, False, 0, 10, None),
    ("UINTEGER", 4, 10, None, True, 0, 10, None),
    ("SMALLINT", 5, 5, None, False, 0, 10, None),
    ("USMALLINT", 5, 5, None, True, 0, 10, None),
    ("FLOAT", 7, 24, None, False, None, 2, None),
    ("DOUBLE", 8, 53, None, False, None, 2, None),
    ("INTERVAL", 10, 49, _QUOTED, None, None, None, None),
    ("VARCHAR", 12, 2_147_483_647, _QUOTED, None, None, None, None),
    ("JSON", 12, 2_147_483_647, _QUOTED, None, None, None, None),
    ("UUID", 12, 36, _QUOTED, None, None, None, None),
    ("DATE", 91, 10, _QUOTED, None, None, None, 1),
    ("TIME", 92, 15, _QUOTED, None, 6, None, 2),
    ("TIMESTAMP", 93, 26, _QUOTED, None, 6, None, 3),
    ("TIMESTAMP WITH TIME ZONE", 93, 32, _QUOTED, None, 6, None, 5),
)


def type_table(data_type: int | None) -> pa.Table:
    """Return the answer to GetXdbcTypeInfo, for one ODBC type or for all."""
    rows = [_row(*one) for one in _TYPES if data_type is None or one[1] == data_type]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(
    name: str,
    data_type: int,
    size: int,
    quoted: str | None,
    unsigned: bool | None,
    scale: int | None,
    radix: int | None,
    subcode: int | None,
) -> dict[str, object]:
    return {
        "type_name": name,
        "data_type": data_type,
        "column_size": size,
        "literal_prefix": quoted,
        "literal_suffix": quoted,
        "create_params": ["precision", "scale"] if name == "DECIMAL" else None,
        "nullable": 1,
        "case_sensitive": data_type == 12,
        "searchable": _FULL,
        "unsigned_attribute": unsigned,
        "fixed_prec_scale": False,
        "auto_increment": None if radix is None else False,
        "local_type_name": name,
        "minimum_scale": None if scale is None else 0,
        "maximum_scale": scale,
        "sql_data_type": data_type if subcode is None else _DATETIME,
        "datetime_subcode": subcode,
        "num_prec_radix": radix,
        "interval_precision": None,
    }
