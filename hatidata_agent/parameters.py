"""Python values as the JSON of a request's `parameters`."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Iterable
from decimal import Decimal

from hatidata_agent.errors import InvalidRequestError

Parameter = str | int | float | bool | None | dt.datetime | dt.date | dt.time | Decimal | uuid.UUID
Wire = str | int | float | bool | None


def to_wire(parameters: Iterable[Parameter]) -> tuple[Wire, ...]:
    """Return *parameters* as JSON scalars; times are ISO 8601, exact decimals are text.

    Raises:
        InvalidRequestError: A value has no JSON form, or the parameters are one string.
    """
    if isinstance(parameters, str | bytes):
        raise InvalidRequestError("parameters must be a list of values, not one string", sent=False)
    return tuple(_scalar(value, position) for position, value in enumerate(parameters, 1))


def _scalar(value: Parameter, position: int) -> Wire:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequestError(f"parameter ${position}: {value} has no JSON form", sent=False)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    kind = type(value).__name__
    raise InvalidRequestError(f"parameter ${position}: a value of type {kind} cannot be sent", sent=False)
