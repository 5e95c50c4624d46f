"""The thirteen steps of a query, one function in the file of the same name."""
