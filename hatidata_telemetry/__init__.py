"""Traces of both processes, as OpenTelemetry; neither package imports it unless traces are on."""
