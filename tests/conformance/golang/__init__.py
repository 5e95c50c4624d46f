"""Arrow's Go client against the server; needs Go, so `make test` leaves it out."""
