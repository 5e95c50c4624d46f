"""Adapters between a wire and the pipeline; nothing is decided here."""
