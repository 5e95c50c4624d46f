"""Who calls through a balancer; only in the way when `trusted_proxies` names one.

A reader would get this wrong: `X-Forwarded-For` is read from its end. What stands before the
first address that no balancer of ours has added is the caller's own word.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class ForwardedApp:
    """A WSGI application around another, which sees the caller's address in place of the balancer's.

    Args:
        proxies: Addresses and networks of the balancers.
    """

    def __init__(self, app: WSGIApplication, proxies: Sequence[str]) -> None:
        self._app = app
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        told = environ.get("HTTP_X_FORWARDED_FOR", "")
        environ["REMOTE_ADDR"] = self._caller(environ.get("REMOTE_ADDR", ""), told)
        return self._app(environ, start_response)

    def _caller(self, peer: str, told: str) -> str:
        """Return the last address that is not a balancer's; the balancer's own if it names none."""
        caller = peer
        hops = [hop.strip() for hop in told.split(",")]
        while hops and self._trusts(caller):
            hop = hops.pop()
            if not _is_address(hop):
                break
            caller = hop
        return caller

    def _trusts(self, address: str) -> bool:
        return _is_address(address) and any(
            ipaddress.ip_address(address) in network for network in self._networks
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
