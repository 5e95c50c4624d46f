import pyarrow as pa
import pyarrow.ipc as ipc
import requests

def arrow_query(sql: str, host: str = "localhost", port: int = 5439, api_key: str = "") -> pa.Table:
    """Execute a SQL query and return an Arrow Table."""
    response = requests.post(
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

import polars as pl

def polars_query(sql: str, **kwargs) -> pl.DataFrame:
    """Execute a SQL query and return a Polars DataFrame."""
    return pl.from_arrow(arrow_query(sql, **kwargs))

df = polars_query(
    "SELECT * FROM orders WHERE order_date >= '2025-01-01'",
    api_key="hd_live_your_api_key",
)
print(df.describe())

import pandas as pd

def pandas_query(sql: str, **kwargs) -> pd.DataFrame:
    """Execute a SQL query and return a Pandas DataFrame."""
    table = arrow_query(sql, **kwargs)
    return table.to_pandas(types_mapper=pd.ArrowDtype)

# -- what follows uses names that the document leaves to its reader

api_key = "hd_live_your_api_key"
print(pandas_query("SELECT * FROM orders LIMIT 10", api_key=api_key))

response = requests.post(
    f"http://localhost:5439/v1/query/arrow",
    json={
        "sql": "SELECT * FROM orders WHERE customer_id = $1 AND total > $2",
        "parameters": ["cust-123", 100.0],
    },
    headers={"Authorization": f"Bearer {api_key}"},
)
print(f"{ipc.open_stream(response.content).read_all().num_rows} orders of cust-123")

from functools import partial

arrow_query = partial(arrow_query, api_key=api_key)

table = arrow_query("""
    SELECT
        memory_id,
        content,
        semantic_rank(content, 'revenue growth patterns') AS relevance
    FROM _hatidata_agent_memory
    WHERE agent_id = 'analyst-agent'
        AND semantic_match(content, 'revenue growth patterns', 0.7)
    ORDER BY relevance DESC
    LIMIT 50
""")
df = pl.from_arrow(table)
print(df.head(10))
