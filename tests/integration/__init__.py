"""The whole service from outside, as its callers meet it."""
