"""What a failed Flight call means to an HTTP caller.

The Flight server says the code twice: in the details that only programs read, and in
brackets at the start of the message. A failure without either never came from its
handlers: gRPC made it, and only its status counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import grpc

from http_gateway.errors import TABLE, Code, Refused

DETAILS_KEY: Final = "grpc-status-details-bin"

_BRACKETED: Final = re.compile(r"\[([A-Z_]+)\] (.*)", re.DOTALL)
_SUFFIX: Final = re.compile(r"\. Detail: (?:\w+$|Python exception: .*)", re.DOTALL)
"""What Arrow puts behind a message: the name of the status, or the exception's text once more."""


_NEVER_SENT: Final = "failed to connect to all addresses"

BY_STATUS: Final[Mapping[grpc.StatusCode, Code]] = {
    grpc.StatusCode.UNAVAILABLE: Code.SERVICE_UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Code.QUERY_TIMEOUT,
    grpc.StatusCode.CANCELLED: Code.QUERY_CANCELLED,
    grpc.StatusCode.UNAUTHENTICATED: Code.UNAUTHORIZED,
    grpc.StatusCode.PERMISSION_DENIED: Code.POLICY_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Code.INTERNAL_ERROR,
}


def refusal_of(status: grpc.StatusCode, message: str, trailers: Mapping[str, str | bytes]) -> Refused:
    """Return the refusal that a failed call stands for."""
    details = _details(trailers.get(DETAILS_KEY, b""))
    code, text = _code_and_text(message)
    code = _known(details.get("code")) or code
    if code is None:
        return _made_by_grpc(status, message)
    told = details.get("message")
    return Refused(
        code,
        told if isinstance(told, str) and told else text,
        retry_after=_number(details.get("retry_after")),
        rate_limit=_rate_limit(details.get("rate_limit")),
    )


def _made_by_grpc(status: grpc.StatusCode, message: str) -> Refused:
    """Return the refusal of a call that no handler answered; one that broke may have been carried out."""
    code = BY_STATUS.get(status, Code.INTERNAL_ERROR)
    if status is not grpc.StatusCode.UNAVAILABLE or _NEVER_SENT in message:
        return Refused(code)
    told = "The Flight server ended or hung up; whether the statement was carried out is not known"
    return Refused(code, told, may_have_run=True)


def _details(raw: str | bytes) -> dict[str, object]:
    try:
        details = json.loads(raw)
    except ValueError:
        return {}
    return details if isinstance(details, dict) else {}


def _code_and_text(message: str) -> tuple[Code | None, str]:
    found = _BRACKETED.match(message)
    if found is None:
        return None, ""
    return _known(found[1]), _SUFFIX.sub("", found[2])


def _known(name: object) -> Code | None:
    return Code(name) if isinstance(name, str) and name in TABLE else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _rate_limit(value: object) -> tuple[int, int, int] | None:
    if not isinstance(value, list) or len(value) != 3:
        return None
    limit, remaining, reset = (int(number) for number in value)
    return limit, remaining, reset
