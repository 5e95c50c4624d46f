"""What GetSqlInfo says of this server. Pure.

A reader would get this wrong: the order of the union's children is their type
code, Go clients cast child 3 unseen, and the type of each code is fixed by what
JDBC casts it to. Code 8 must be an int32, or ADBC refuses to switch autocommit off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

_CHILDREN = (
    pa.field("string_value", pa.utf8(), False),
    pa.field("bool_value", pa.bool_(), False),
    pa.field("bigint_value", pa.int64(), False),
    pa.field("int32_bitmask", pa.int32(), False),
    pa.field("string_list", pa.list_(pa.utf8()), False),
    pa.field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32())), False),
)
_STRING, _BOOL, _BIGINT, _INT32, _LIST, _MAP = range(6)
SCHEMA = pa.schema(
    [
        pa.field("info_name", pa.uint32(), False),
        pa.field("value", pa.dense_union(_CHILDREN), False),
    ]
)

Value = tuple[int, object]

_NUMERIC = (
    "abs,acos,asin,atan,atan2,ceil,ceiling,cos,cot,degrees,exp,floor,ln,log,log10,mod,pi,power,radians,\
round,sign,sin,sqrt,tan,trunc"
)
_STRINGS = "ascii,chr,concat,contains,left,length,lower,lpad,ltrim,md5,position,repeat,replace,reverse,right,\
rpad,rtrim,sha256,split_part,strpos,substring,trim,upper"
_DATETIME = "age,current_date,current_timestamp,date_diff,date_part,date_trunc,dayname,dayofweek,dayofyear,\
epoch,extract,last_day,make_date,month,monthname,now,quarter,strftime,strptime,week,year"
_KEYWORDS = (
    "ANALYZE,ANTI,ASOF,DESCRIBE,EXCLUDE,GLOB,ILIKE,LIMIT,MACRO,OFFSET,PIVOT,POSITIONAL,PRAGMA,QUALIFY,\
REPLACE,SAMPLE,SEMI,SHOW,SUMMARIZE,UNPIVOT"
)


def sql_info(server_version: str) -> dict[int, Value]:
    """Return every value by its code, with its type code."""
    engine, _, version = server_version.partition(" v")
    return {
        0: (_STRING, "HatiData"),
        1: (_STRING, f"{engine} v{version}"),
        2: (_STRING, pa.__version__),
        3: (_BOOL, False),
        4: (_BOOL, True),
        5: (_BOOL, False),
        8: (_INT32, 1),
        9: (_BOOL, True),
        10: (_BOOL, True),
        11: (_BOOL, True),
        100: (_INT32, 0),
        101: (_INT32, 0),
        **_SYNTAX,
        **_LIMITS,
        **_ABILITIES,
    }


_SYNTAX: Mapping[int, Value] = {
    500: (_BOOL, False),
    501: (_BOOL, True),
    502: (_BOOL, True),
    503: (_BIGINT, 1),
    504: (_STRING, '"'),
    505: (_BIGINT, 1),
    506: (_BOOL, False),
    507: (_BIGINT, 3),
    508: (_LIST, _KEYWORDS.split(",")),
    509: (_LIST, _NUMERIC.split(",")),
    510: (_LIST, _STRINGS.split(",")),
    511: (_LIST, ["coalesce", "ifnull", "nullif", "typeof"]),
    512: (_LIST, _DATETIME.split(",")),
    513: (_STRING, "\\"),
    514: (_STRING, ""),
}
"""Names, quoting, keywords and functions."""

_ABILITIES: Mapping[int, Value] = {
    515: (_BOOL, True),
    516: (_BOOL, True),
    517: (_MAP, []),
    518: (_BOOL, True),
    519: (_BOOL, False),
    520: (_BOOL, True),
    521: (_BOOL, True),
    522: (_INT32, 0b11),
    523: (_BOOL, True),
    524: (_BOOL, True),
    525: (_INT32, 0b111),
    526: (_INT32, 0b001),
    527: (_BOOL, True),
    528: (_INT32, 0b100),
    529: (_STRING, "schema"),
    530: (_STRING, "procedure"),
    531: (_STRING, "catalog"),
    532: (_BOOL, True),
    533: (_INT32, 0b010),
    534: (_INT32, 0),
    535: (_INT32, 0),
    536: (_BOOL, False),
    537: (_BOOL, False),
    538: (_INT32, 0b1111),
    539: (_BOOL, True),
    540: (_INT32, 0b11),
    562: (_BIGINT, 3),
    563: (_BOOL, True),
    564: (_INT32, 0b01000),
    565: (_BOOL, False),
    566: (_BOOL, False),
    567: (_INT32, 0b010),
    568: (_INT32, 0),
    569: (_INT32, 0b010),
    570: (_INT32, 0),
    571: (_INT32, 0),
    572: (_BOOL, True),
    573: (_BOOL, False),
    574: (_BOOL, False),
    575: (_BOOL, False),
    576: (_BOOL, False),
}
"""What SQL can do here; bit masks over the enumerations of the protocol."""

_LIMITS: Mapping[int, Value] = {
    **dict.fromkeys((*range(541, 556), *range(557, 562)), (_BIGINT, 0)),
    556: (_BOOL, False),
}
"""Zero means that there is no limit, or none that is known."""


def info_table(server_version: str, codes: Collection[int]) -> pa.Table:
    """Return the answer to GetSqlInfo for *codes*, or for all if there are none; it omits unknown ones."""
    known = sql_info(server_version)
    wanted = [code for code in codes if code in known] if codes else sorted(known)
    kinds = pa.array([known[code][0] for code in wanted], pa.int8())
    values: list[list[object]] = [[] for _ in _CHILDREN]
    offsets = []
    for code in wanted:
        kind, value = known[code]
        offsets.append(len(values[kind]))
        values[kind].append(value)
    children = [pa.array(items, field.type) for items, field in zip(values, _CHILDREN, strict=True)]
    buffers = [None, kinds.buffers()[1], pa.array(offsets, pa.int32()).buffers()[1]]
    union = pa.UnionArray.from_buffers(SCHEMA.field("value").type, len(wanted), buffers, children=children)
    return pa.Table.from_arrays([pa.array(wanted, pa.uint32()), union], schema=SCHEMA)
