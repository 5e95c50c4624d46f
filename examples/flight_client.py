"""A plain `pyarrow.flight` client: a ticket of JSON, and the receipt in the last message."""

import json

import pyarrow as pa
import pyarrow.flight as fl
import requests

ready = requests.get("http://localhost:5439/ready", timeout=10).json()
client = fl.connect(ready["flight"])

request = {"sql": "SELECT * FROM orders WHERE total > $1 LIMIT 5", "parameters": [800.0]}
reader = client.do_get(fl.Ticket(json.dumps(request)))

batches, receipt = [], None
for chunk in reader:
    batches.append(chunk.data)
    if chunk.app_metadata is not None:
        receipt = json.loads(chunk.app_metadata.to_pybytes())

print(pa.Table.from_batches(batches).to_pandas())
assert receipt is not None, "a stream without its receipt was cut"
print(f"{receipt['rows']} rows for {receipt['credits_consumed']} credits, {receipt['query_id']}")
