"""The Python client of document 003: the main port's Arrow endpoint, with parameters."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.ipc as ipc
import requests


def arrow_query(sql: str, host: str = "localhost", port: int = 5439, api_key: str = "") -> pa.Table:
    """Execute a SQL query and return an Arrow Table."""
    response = requests.post(  # noqa: S113 - as the document has it
        f"http://{host}:{port}/v1/query/arrow",
        json={"sql": sql},
        headers={
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
        },
    )
    response.raise_for_status()
    reader = ipc.open_stream(response.content)
    table = reader.read_all()
    # Metadata from response headers
    row_count = response.headers.get("X-Row-Count")
    duration_ms = response.headers.get("X-Duration-Ms")
    print(f"Rows: {row_count}, Duration: {duration_ms}ms")
    return table


def polars_query(sql: str, **kwargs: str) -> pl.DataFrame | pl.Series:
    """Execute a SQL query and return a Polars DataFrame."""
    return pl.from_arrow(arrow_query(sql, **kwargs))  # type: ignore[arg-type]  # as the document has it


def pandas_query(sql: str, **kwargs: str) -> pd.DataFrame:
    """Execute a SQL query and return a Pandas DataFrame."""
    table = arrow_query(sql, **kwargs)  # type: ignore[arg-type]  # as the document has it
    return table.to_pandas(types_mapper=pd.ArrowDtype)


df = polars_query(
    "SELECT * FROM orders WHERE order_date >= '2025-01-01'",
    api_key="hd_live_your_api_key",
)
print(df.describe())

orders = pandas_query(
    "SELECT * FROM orders WHERE total > 100 LIMIT 1000",
    api_key="hd_live_your_api_key",
)
print(orders.dtypes)

api_key = "hd_live_your_api_key"
response = requests.post(  # noqa: S113 - as the document has it
    "http://localhost:5439/v1/query/arrow",
    json={
        "sql": "SELECT * FROM orders WHERE customer_id = $1 AND total > $2",
        "parameters": ["cust-123", 100.0],
    },
    headers={"Authorization": f"Bearer {api_key}"},
)
print(f"{ipc.open_stream(response.content).read_all().num_rows} orders of cust-123")
