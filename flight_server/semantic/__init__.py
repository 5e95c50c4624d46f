"""Embeddings, the functions that compare them, and what agents remember."""
