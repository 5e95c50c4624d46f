"""`hati query` without SQL: an interactive prompt; only this package imports prompt_toolkit."""
