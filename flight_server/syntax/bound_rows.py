"""An INSERT of one row of parameters, rewritten to insert many rows of values at once.

`INSERT INTO t VALUES ($1, $2 + 1)` becomes `INSERT INTO t SELECT c1, c2 + 1 FROM
temp.main.__bound`, which DuckDB runs over an Arrow table at full speed.
"""

from __future__ import annotations

import json

from flight_server.syntax.facts import below
from flight_server.syntax.parser import Node, Parser, only_statement, write_body

_BOUND = "__bound"


def over_rows(sql: str, parser: Parser) -> str:
    """Return the text that inserts once for each row of `temp.main.__bound`; empty if *sql* has no such form.

    Args:
        sql: An INSERT as `transpile` printed it.
    """
    tree: Node = json.loads(parser.parse_write(sql))
    body = write_body(tree)
    select = (body.get("select_statement") or {}).get("node") or {}
    source = select.get("from_table") or {}
    if source.get("type") != "EXPRESSION_LIST" or len(source["values"]) != 1 or body["cte_map"]["map"]:
        return ""
    values = source["values"][0]
    if body.get("returning_list") or not all(map(_is_plain, values)):
        return ""
    for value in values:
        for node in [one for one in below(value) if one.get("class") == "PARAMETER"]:
            _name_column(node)
    table = only_statement(json.loads(parser.parse_read(f"FROM temp.main.{_BOUND}")))["node"]["from_table"]
    select["from_table"], select["select_list"] = table, values
    return parser.print_write(tree)


def _is_plain(value: Node) -> bool:
    """Tell whether *value* means the same in a select list: no DEFAULT, no subquery."""
    return not any(node.get("class") in ("DEFAULT", "SUBQUERY") for node in below(value))


def _name_column(node: Node) -> None:
    """Turn a parameter into the column that holds its values."""
    number = node["identifier"]
    place = {key: node[key] for key in ("query_location", "query_location_length")}
    node.clear()
    node.update({"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", **place})
    node["column_names"] = [_BOUND, f"c{number}"]
