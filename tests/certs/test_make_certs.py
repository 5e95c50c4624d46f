"""The development certificates do in a real handshake what they are for."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.make_certs import main, make_authority, make_client_pair, make_server_pair, read_authority
from tests.fixtures.certs import Certificates


def _server_context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server_cert, certificates.server_key)
    context.load_verify_locations(certificates.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _common_name_seen(certificates: Certificates, client: ssl.SSLContext, host: str) -> str | None:
    """Shake hands over a socket pair; return the name that the server saw, or None if it refused."""
    near, far = socket.socketpair()
    seen: list[str] = []

    def serve() -> None:
        try:
            with _server_context(certificates).wrap_socket(far, server_side=True) as stream:
                der = stream.getpeercert(binary_form=True)
                assert der
                (name,) = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(
                    NameOID.COMMON_NAME
                )
                seen.append(str(name.value))
                stream.sendall(b"x")
        except OSError:  # a refused handshake; what counts is that no name was seen
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=host) as stream:
            stream.recv(1)
    finally:
        near.close()
        thread.join()
    return seen[0] if seen else None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_server_and_client_trust_each_other(certificates: Certificates, host: str) -> None:
    client = ssl.create_default_context(cafile=str(certificates.ca))
    client.load_cert_chain(certificates.client_cert, certificates.client_key)

    assert _common_name_seen(certificates, client, host) == "analyst"


def test_the_server_refuses_a_client_of_another_authority(certificates: Certificates) -> None:
    client = ssl.create_default_context(cafile=str(certificates.ca))
    client.load_cert_chain(certificates.stranger_cert, certificates.stranger_key)

    with pytest.raises(OSError, match=r"alert|reset|closed|EOF"):
        _common_name_seen(certificates, client, "localhost")


def test_the_client_refuses_a_name_that_the_certificate_lacks(certificates: Certificates) -> None:
    client = ssl.create_default_context(cafile=str(certificates.ca))

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _common_name_seen(certificates, client, "example.com")


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    keys = (authority.files.key, make_server_pair(authority, tmp_path).key)

    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600, 0o600]


def test_extra_names_are_in_the_server_certificate(tmp_path: Path) -> None:
    pair = make_server_pair(make_authority(tmp_path), tmp_path, ["db.internal", "10.0.0.7"])

    cert = x509.load_pem_x509_certificate(pair.cert.read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "db.internal"]
    assert "10.0.0.7" in map(str, names.get_values_for_type(x509.IPAddress))


def test_never_overwrites_without_force(tmp_path: Path) -> None:
    before = make_authority(tmp_path).files.cert.read_bytes()

    with pytest.raises(FileExistsError, match="exists"):
        make_authority(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == before


def test_force_replaces_the_authority(tmp_path: Path) -> None:
    before = make_authority(tmp_path).files.cert.read_bytes()

    assert make_authority(tmp_path, force=True).files.cert.read_bytes() != before


def test_an_authority_can_be_read_again(tmp_path: Path) -> None:
    made = make_authority(tmp_path)

    assert read_authority(tmp_path).cert == made.cert


@pytest.mark.parametrize("name", ["", "a/b", "../x", "/etc/x"])
def test_a_client_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    authority = make_authority(tmp_path)

    with pytest.raises(ValueError, match="not a name for a file"):
        make_client_pair(authority, tmp_path, name)


def test_the_command_makes_everything_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path)]) == 0
    assert 'tls_cert = "' in capsys.readouterr().out

    assert main(["--folder", str(tmp_path)]) == 1
    assert "--force replaces" in capsys.readouterr().err


def test_the_command_adds_clients_to_what_is_there(tmp_path: Path) -> None:
    main(["--folder", str(tmp_path)])
    authority = (tmp_path / "ca.pem").read_bytes()

    assert main(["--folder", str(tmp_path), "--client", "bot"]) == 0
    assert (tmp_path / "client-bot.pem").exists()
    assert (tmp_path / "ca.pem").read_bytes() == authority
