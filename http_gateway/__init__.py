"""The HTTP gateway: its own process, which decides nothing about data.

It turns HTTP requests into Flight calls and Flight answers into HTTP answers.
Who may see what is decided by the Flight server alone; this package never
imports `flight_server`.
"""
