"""Running a service on this machine: its folder, its two processes, its demo data."""
