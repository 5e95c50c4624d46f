"""The data plane: the only place where anything is decided about data."""
