"""SQL as a tree: DuckDB's own parser and printer, and what is read off a tree."""
