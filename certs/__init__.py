"""Development certificates; nothing that is served to others belongs here."""
