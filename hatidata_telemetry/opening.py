"""Turns traces on, if the settings say so; OpenTelemetry, an extra, is imported here and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatidata_settings import Settings

if TYPE_CHECKING:
    from hatidata_telemetry.tracing import Tracing


def open_tracing(settings: Settings, service: str) -> Tracing | None:
    """Return where the spans of this process go, or None if no traces are wanted."""
    if not settings.otel_endpoint:
        return None
    from hatidata_telemetry.tracing import Tracing

    return Tracing(service, settings.otel_endpoint, settings.otel_sample_percent)
