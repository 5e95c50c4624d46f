"""Measures the claims of the service, one file each, side by side with bare servers and peers."""
