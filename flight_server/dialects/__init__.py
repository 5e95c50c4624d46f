"""Snowflake SQL in, DuckDB SQL out: one family of rewrites in each file, and the order they run in."""
