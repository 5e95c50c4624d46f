"""The Flight SQL JDBC driver against the server; needs Maven and a JDK, so `make test` leaves it out."""
