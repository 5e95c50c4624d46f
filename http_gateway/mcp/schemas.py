"""JSON Schemas of the tools' arguments and answers, built of a few shapes."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]
"""A JSON Schema; `Any` because its values are JSON."""

TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
ANYTHING: Final[Schema] = {}


def described(schema: Schema, description: str, **more: object) -> Schema:
    """Return *schema* with a description and further keywords."""
    return {**schema, "description": description, **more}


def an_object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def answer(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """Return the schema of an answer, which may hold more than is promised."""
    return {"type": "object", "properties": properties, "required": list(required)}


def list_of(schema: Schema) -> Schema:
    """Return the schema of an array of *schema*."""
    return {"type": "array", "items": schema}


SQL: Final = described(TEXT, "One SQL statement, in DuckDB's or Snowflake's dialect", minLength=1)
PARAMETERS: Final = described(
    list_of({"type": ["string", "number", "boolean", "null"]}), "Values of $1, $2, .. in the SQL"
)
TIMEOUT: Final = described(
    {"type": "integer", "minimum": 1}, "Give up after so many milliseconds", default=30_000
)
COLUMNS: Final = list_of(answer(("name", "type"), name=TEXT, type=TEXT))
RECORDS: Final = list_of({"type": "object"})
FLIGHT: Final = described(
    answer(("uri", "ticket"), uri=TEXT, ticket=TEXT),
    "The ticket asks the same question again over Arrow Flight, with the same key",
)
HANDLE: Final = described(
    answer(
        ("url", "expires_in_seconds", "bytes", "statistics", "first_rows"),
        url=TEXT,
        flight=FLIGHT,
        expires_in_seconds=COUNT,
        bytes=COUNT,
        statistics=RECORDS,
        first_rows=RECORDS,
    ),
    "Stands for a result too large to be shown: GET the url with the same key for all of it, in Arrow",
)
RESULT: Final = answer(
    ("columns", "row_count", "query_id", "execution_time_ms"),
    columns=COLUMNS,
    rows=RECORDS,
    row_count=COUNT,
    rows_affected=described(COUNT, "Rows that a statement changed; absent if it changes none"),
    query_id=TEXT,
    execution_time_ms=COUNT,
    credits_consumed={"type": "number"},
    result_handle=HANDLE,
)
ARROW_RESULT: Final = answer(
    ("format", "rows", "execution_time_ms"),
    format=described(TEXT, "arrow_ipc_base64, or arrow_ipc_url if there is a result_handle"),
    data=described(TEXT, "An Arrow IPC stream in base64"),
    rows=COUNT,
    execution_time_ms=COUNT,
    query_id=TEXT,
    columns=COLUMNS,
    result_handle=HANDLE,
)
