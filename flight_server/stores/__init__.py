"""What outlives a query: keys, catalog, usage, audit log, caches."""
