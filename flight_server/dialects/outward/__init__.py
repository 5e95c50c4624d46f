"""DuckDB's dialect outward: the secured statement as a remote engine reads it."""
