"""TLS, client certificates and what Handshake is then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.flight as fl
import pytest

from tests.fixtures.certs import Certificates
from tests.fixtures.flight import FlightService

StartFlight = Callable[..., FlightService]


def settings(certificates: Certificates, **more: str) -> dict[str, str]:
    """Return the settings of a server with TLS."""
    return {
        "tls": "true",
        "tls_cert": str(certificates.server_cert),
        "tls_key": str(certificates.server_key),
        **more,
    }


def client(flight: FlightService, certificates: Certificates, **options: Any) -> fl.FlightClient:
    """Return a client that trusts the test's authority."""
    return fl.FlightClient(flight.uri, tls_root_certs=certificates.ca.read_bytes(), **options)


def test_a_certificate_names_the_caller(start_flight: StartFlight, certificates: Certificates) -> None:
    flight = start_flight(**settings(certificates, client_ca=str(certificates.ca)))
    analyst = client(
        flight,
        certificates,
        cert_chain=certificates.client_cert.read_bytes(),
        private_key=certificates.client_key.read_bytes(),
    )
    rows = analyst.do_get(fl.Ticket(b"SELECT DISTINCT region, email FROM customers")).read_all()

    assert rows.to_pylist() == [{"region": "EU", "email": "***"}]


def test_a_strangers_certificate_opens_nothing(start_flight: StartFlight, certificates: Certificates) -> None:
    flight = start_flight(**settings(certificates, client_ca=str(certificates.ca)))
    stranger = client(
        flight,
        certificates,
        cert_chain=certificates.stranger_cert.read_bytes(),
        private_key=certificates.stranger_key.read_bytes(),
    )

    with pytest.raises(fl.FlightUnavailableError):
        stranger.do_get(fl.Ticket(b"SELECT 1")).read_all()


def test_without_client_certificates_a_handshake_gives_a_token(
    start_flight: StartFlight, certificates: Certificates
) -> None:
    flight = start_flight(**settings(certificates))
    secured = client(flight, certificates)
    name, token = secured.authenticate_basic_token(b"anybody", flight.admin.encode())
    options = fl.FlightCallOptions(headers=[(name, token)])

    assert name == b"authorization"
    assert secured.do_get(fl.Ticket(b"SELECT 7 AS a"), options).read_all().to_pylist() == [{"a": 7}]
    with pytest.raises(fl.FlightUnauthenticatedError, match="Invalid API key"):
        secured.authenticate_basic_token(b"anybody", b"hd_live_wrong")
