import polars as pl
import pyarrow.ipc as ipc
import requests
resp = requests.post(
    "http://localhost:5440/v1/query/arrow",
    json={"sql": "SELECT region, SUM(revenue) as total FROM sales GROUP BY region"},
    headers={"Authorization": "Bearer hd_live_a1b2c3d4..."},
)
resp.raise_for_status()
reader = ipc.open_stream(resp.content)
table = reader.read_all()
# Polars loads Arrow natively -- truly zero-copy
df = pl.from_arrow(table)
print(df)
