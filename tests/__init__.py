"""The tests mirror the tree; what they share is in tests/fixtures, one plugin for each owner."""
