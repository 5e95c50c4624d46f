"""Tests over real remote engines; `make test-cluster` runs them."""
