"""Which pages may use the service: browsers say where a page came from, and other programs say nothing.

A page of a stranger whose name was rebound to this machine looks like ours to a browser. It has no
key, so the danger is dev mode, where no key is needed. Programs that are no browsers send no `Origin`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import request

from http_gateway.errors import Code, Refused

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def refuse_strange_pages(own_address: str, *, has_key: bool) -> None:
    """Refuse the present request if a page of another host sent it.

    The console may have been opened under any name of this machine, so a page that shows a key
    and comes from where it sends to passes.

    Args:
        own_address: What this gateway is called from outside.
        has_key: Whether the request has a credential.

    Raises:
        Refused: `POLICY_DENIED`.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return
    try:
        page = urlsplit(origin)
    except ValueError:
        page = urlsplit("")
    is_known = page.hostname in _THIS_MACHINE or page.hostname == urlsplit(own_address).hostname
    is_console = has_key and page.netloc == request.headers.get("Host")
    if not is_known and not is_console:
        raise Refused(Code.POLICY_DENIED, "pages of this origin may not use the service")
