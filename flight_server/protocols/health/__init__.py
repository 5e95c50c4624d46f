"""grpc.health.v1 on a port of its own."""
