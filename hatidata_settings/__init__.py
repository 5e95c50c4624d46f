"""The settings of one HatiData home, read the same way by every process.

Neutral ground: neither process imports the other, both import this.
"""

from hatidata_settings.load import SettingsError, load_settings
from hatidata_settings.settings import Settings

__all__ = ["Settings", "SettingsError", "load_settings"]
