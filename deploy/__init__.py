"""What it takes to run the service in containers; the image's lock is made here."""
