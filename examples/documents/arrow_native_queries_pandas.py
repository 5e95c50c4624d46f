import pyarrow.ipc as ipc
import requests
resp = requests.post(
    "http://localhost:5440/v1/query/arrow",
    json={"sql": "SELECT * FROM orders WHERE total > 100"},
    headers={"Authorization": "Bearer hd_live_a1b2c3d4..."},
)
resp.raise_for_status()
# Load Arrow IPC directly -- zero parsing
reader = ipc.open_stream(resp.content)
table = reader.read_all()
# Convert to pandas DataFrame (zero-copy where possible)
df = table.to_pandas()
print(df.dtypes) # Types are preserved: int64, float64, datetime64, etc.
print(df.describe())
