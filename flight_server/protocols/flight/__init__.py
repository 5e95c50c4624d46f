"""Arrow Flight and Flight SQL on `pyarrow.flight`."""
