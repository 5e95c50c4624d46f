"""Prints docs/settings.md."""

from hatidata_settings.page import settings_page

if __name__ == "__main__":
    print(settings_page(), end="")
