"""Reads a result larger than one wants in memory, a batch at a time, with the client."""

import pyarrow.compute as pc

from hatidata_agent import HatiDataAgent

with HatiDataAgent(port=5439) as hati:
    total = 0.0
    for batch in hati.stream_arrow("SELECT total FROM orders, range(20) WHERE status = 'pending'"):
        total += pc.sum(batch.column("total")).as_py()
    print(f"Pending, twenty times over: {total:,.2f}")
