"""What both processes tell their operator: traces, as OpenTelemetry, and lines of the log.

OpenTelemetry is imported only where traces are on.
"""
