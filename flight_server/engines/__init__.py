"""What runs a plan: the Engine protocol and its implementations."""
