"""The tools that run SQL and look at the catalog."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from http_gateway.errors import Code, Refused
from http_gateway.flight.messages import question_bytes
from http_gateway.formats.names import unique_names
from http_gateway.mcp.asking import Asking, Result, json_rows, table_of
from http_gateway.mcp.results import KEPT_SECONDS, statistics
from http_gateway.mcp.schemas import (
    ARROW_RESULT,
    COLUMNS,
    COUNT,
    PARAMETERS,
    RECORDS,
    RESULT,
    SQL,
    TEXT,
    TIMEOUT,
    an_object,
    answer,
    described,
    list_of,
)
from http_gateway.mcp.tool import Arguments, Tool
from http_gateway.request_body import QueryBody

FIRST_ROWS: Final = 20
LONGEST_TICKET: Final = 4000
_TYPE_NAME: Final = b"ARROW:FLIGHT:SQL:TYPE_NAME"
_MASKED: Final = b"hatidata.masked"
_SCHEMA_PATTERN, _TABLE_PATTERN, _INCLUDE_SCHEMA = 2, 3, 5
_QUERY: Final = an_object(("sql",), sql=SQL, parameters=PARAMETERS, timeout_ms=TIMEOUT)


def _run_sql(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    return _shown(asking, asking.run(_body(asking, arguments)))


def _read_query(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    return _shown(asking, asking.run(_body(asking, arguments), read_only=True))


def _run_sql_arrow(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    result = asking.run(_body(asking, arguments))
    told = {
        "rows": result.receipt.rows,
        "execution_time_ms": round(result.receipt.duration_ms),
        "query_id": result.receipt.query_id,
    }
    if not result.is_small:
        return {"format": "arrow_ipc_url", **told, **_handle(asking, result)}
    try:
        data = base64.b64encode(result.stream()).decode("ascii")
    finally:
        result.spool.close()
    return {"format": "arrow_ipc_base64", "data": data, **told}


def _body(asking: Asking, arguments: Arguments) -> QueryBody:
    limits = asking.gateway.limits
    timeout_ms = arguments.get("timeout_ms")
    if timeout_ms is not None and timeout_ms > limits.max_timeout_ms:
        raise Refused(Code.INVALID_REQUEST, f"timeout_ms must be at most {limits.max_timeout_ms}")
    return QueryBody(arguments["sql"], tuple(arguments.get("parameters", ())), timeout_ms)


def _shown(asking: Asking, result: Result) -> dict[str, Any]:
    """Return a result as JSON, or what stands for it if that would be too much to read."""
    receipt = result.receipt
    told: dict[str, Any] = {
        "row_count": receipt.rows,
        "query_id": receipt.query_id,
        "execution_time_ms": round(receipt.duration_ms),
        "credits_consumed": receipt.credits_consumed,
    }
    if receipt.rows_affected is not None:
        told["rows_affected"] = receipt.rows_affected
    if not result.is_small:
        return told | _handle(asking, result)
    try:
        table = table_of(result.stream())
    finally:
        result.spool.close()
    return told | {"columns": _columns(table.schema), "rows": json_rows(table)}


def _handle(asking: Asking, result: Result) -> dict[str, Any]:
    """Keep *result* for its caller, and return what can be told of it in a few lines."""
    table = table_of(result.stream())
    size = result.spool.length
    name = asking.kept.keep(
        result.spool, asking.caller, result.question, result.receipt, table.num_rows, table.num_columns
    )
    handle = {
        "url": f"{asking.gateway.addresses.mcp}/v1/results/{name}",
        **_flight_ticket(asking, result),
        "expires_in_seconds": int(KEPT_SECONDS),
        "bytes": size,
        "statistics": statistics(table),
        "first_rows": _short(json_rows(table.slice(0, FIRST_ROWS))),
    }
    return {"columns": _columns(table.schema), "result_handle": handle}


def _flight_ticket(asking: Asking, result: Result) -> dict[str, Any]:
    """Return where Flight answers the same question; a statement that changed something is not repeated."""
    uri, ticket = asking.gateway.flight.uri(), question_bytes(result.question)
    if uri is None or result.receipt.rows_affected is not None or len(ticket) > LONGEST_TICKET:
        return {}
    return {"flight": {"uri": uri, "ticket": ticket.decode()}}


def _short(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return *rows* with long texts cut, so that a few rows stay few bytes."""
    return [
        {name: value[:200] if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]


def _columns(schema: pa.Schema) -> list[dict[str, str]]:
    names = unique_names(schema.names)
    return [{"name": name, "type": str(field.type)} for name, field in zip(names, schema, strict=True)]


def _list_schemas(asking: Asking, _arguments: Arguments) -> dict[str, Any]:
    found = asking.browse("CommandGetDbSchemas")
    return {"schemas": found.column("db_schema_name").to_pylist()}


def _list_tables(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    schema = arguments.get("schema")
    texts = [(_SCHEMA_PATTERN, _literally(schema))] if schema is not None else []
    found = asking.browse("CommandGetTables", *texts)
    columns = (found.column(name).to_pylist() for name in ("db_schema_name", "table_name", "table_type"))
    names = ("table_schema", "table_name", "table_type")
    return {"tables": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]}


def _describe_table(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    schema, _, table = arguments["table_name"].rpartition(".")
    texts = [(_SCHEMA_PATTERN, _literally(schema or "main")), (_TABLE_PATTERN, _literally(table))]
    found = asking.browse("CommandGetTables", *texts, flags=[_INCLUDE_SCHEMA])
    if not found.num_rows:
        raise Refused(Code.POLICY_DENIED, f"There is no table '{arguments['table_name'][:200]}' for you")
    fields = pa.ipc.read_schema(pa.py_buffer(found.column("table_schema")[0].as_py()))
    return {
        "table_schema": found.column("db_schema_name")[0].as_py(),
        "table_name": found.column("table_name")[0].as_py(),
        "table_type": found.column("table_type")[0].as_py(),
        "columns": [_described(field) for field in fields],
    }


def _described(field: pa.Field) -> dict[str, Any]:
    metadata = field.metadata or {}
    told = {
        "name": field.name,
        "type": metadata.get(_TYPE_NAME, str(field.type).encode()).decode(),
        "nullable": field.nullable,
    }
    return told | ({"masked": metadata[_MASKED].decode()} if _MASKED in metadata else {})


def _literally(name: str) -> str:
    """Return the LIKE pattern that only *name* matches."""
    return "".join(f"\\{letter}" if letter in "\\%_" else letter for letter in name)


def _get_usage_stats(asking: Asking, _arguments: Arguments) -> dict[str, Any]:
    found: dict[str, Any] = asking.usage()
    lines: list[dict[str, Any]] = found["usage"]
    whole = [line for line in lines if not line["table"]]
    return {
        "key_prefix": found["key_prefix"],
        "since": "the first day of this month, UTC",
        "queries": _sum(whole, "queries"),
        "refused": _sum(whole, "refused"),
        "rows": _sum(whole, "rows"),
        "bytes": _sum(whole, "bytes"),
        "credits": round(sum(line["credits"] for line in whole), 6),
        "by_table": [line for line in lines if line["table"]],
    }


def _sum(lines: Iterable[dict[str, Any]], name: str) -> int:
    return int(sum(line[name] for line in lines))


SQL_TOOLS: Final = (
    Tool(
        "run_sql",
        "Run SQL",
        "Run one SQL statement, which may change data, and return its rows as JSON. A result above 1 MB "
        "is not shown: result_handle then tells its statistics and where to fetch it.",
        _QUERY,
        RESULT,
        _run_sql,
        destroys=True,
    ),
    Tool(
        "read_query",
        "Read with SQL",
        "Run one SQL query that changes nothing and return its rows as JSON; anything else is refused. "
        "semantic_rank(column, 'text') orders by nearness of meaning.",
        _QUERY,
        RESULT,
        _read_query,
        reads=True,
        repeatable=True,
    ),
    Tool(
        "run_sql_arrow",
        "Run SQL for Arrow",
        "Run one SQL statement and return the result as an Arrow IPC stream in base64, with all types kept; "
        "above 1 MB a result_handle instead.",
        _QUERY,
        ARROW_RESULT,
        _run_sql_arrow,
        destroys=True,
    ),
    Tool(
        "list_schemas",
        "List schemas",
        "List the schemas that you may see.",
        an_object(),
        answer(("schemas",), schemas=list_of(TEXT)),
        _list_schemas,
        reads=True,
        repeatable=True,
    ),
    Tool(
        "list_tables",
        "List tables",
        "List the tables and views that you may see.",
        an_object(schema=described(TEXT, "Only those of this schema")),
        answer(("tables",), tables=RECORDS),
        _list_tables,
        reads=True,
        repeatable=True,
    ),
    Tool(
        "describe_table",
        "Describe a table",
        "Return the columns of a table with their types, and how they are masked for you.",
        an_object(("table_name",), table_name=described(TEXT, "table or schema.table", minLength=1)),
        answer(("table_name", "columns"), table_schema=TEXT, table_name=TEXT, columns=COLUMNS),
        _describe_table,
        reads=True,
        repeatable=True,
    ),
    Tool(
        "get_usage_stats",
        "Usage of your key",
        "Return what your key has used this month: queries, rows, bytes and credits, by agent and table.",
        an_object(),
        answer(("queries", "credits"), queries=COUNT, credits={"type": "number"}, by_table=RECORDS),
        _get_usage_stats,
        reads=True,
        repeatable=True,
    ),
)
