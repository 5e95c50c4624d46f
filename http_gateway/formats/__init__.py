"""The three forms of a result: Arrow stream, JSON, Parquet."""
