"""The queries that are measured, in the SQL of every contender."""

from __future__ import annotations

from typing import Final

NUMERIC: Final = """
SELECT l_orderkey, l_partkey, l_suppkey, l_linenumber, CAST(l_quantity AS DOUBLE) AS l_quantity,
       CAST(l_extendedprice AS DOUBLE) AS l_extendedprice, CAST(l_discount AS DOUBLE) AS l_discount,
       CAST(l_tax AS DOUBLE) AS l_tax
FROM lineitem"""
"""Eight numeric columns of lineitem, decimals as doubles: 366 MB of Arrow at scale factor 1."""

EVERYTHING: Final = "SELECT * FROM lineitem"
"""All sixteen columns, strings included: 1.0 GB of Arrow at scale factor 1."""

SMALL: Final = "SELECT 42 AS a"

MASKED: Final = "SELECT l_orderkey, l_comment, l_shipinstruct FROM lineitem"
"""For a role for whom the comment is hashed and the instruction partly masked."""

MASKED_NATIVELY: Final = """
SELECT l_orderkey, sha256(l_comment) AS l_comment, '***' || right(l_shipinstruct, 4) AS l_shipinstruct
FROM lineitem"""

TEN_GIGABYTES: Final = "SELECT i, i + 1 AS j, i * 2 AS k, i * 3 AS l FROM range(312500000) t(i)"
"""Four 64-bit columns, 10 GB, made by the engine without reading anything."""

LONG_AGGREGATE: Final = "SELECT sum(hash(i)) AS s FROM range(30000000000) t(i)"
"""Minutes of work that sends nothing."""
