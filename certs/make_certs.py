"""Makes a development authority, a server certificate and client certificates.

For development and tests only: the authority's key lies next to what it signed.
Nothing is overwritten unless asked, since a new authority makes every
certificate of the old one worthless.
"""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
AUTHORITY_NAME: Final = "HatiData development CA"
DEFAULT_FOLDER: Final = Path(__file__).parent / "dev"
CLIENT: Final = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER_AND_CLIENT: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
_LIFETIME: Final = dt.timedelta(days=397)
_SKEW: Final = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a certificate and its private key are, both PEM."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority that can sign; *files* is where it came from."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    files: Pair


def make_authority(folder: Path, *, name: str = AUTHORITY_NAME, force: bool = False) -> Authority:
    """Write `ca.pem` and `ca.key` into *folder* and return the authority.

    Raises:
        FileExistsError: There is one already, and *force* is off.
    """
    files = Pair(folder / "ca.pem", folder / "ca.key")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    cert = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_pair(files, cert, key, force=force)
    return Authority(cert, key, files)


def read_authority(folder: Path) -> Authority:
    """Return the authority that `make_authority` wrote into *folder*.

    Raises:
        ValueError: The key is not one that `make_authority` writes.
    """
    files = Pair(folder / "ca.pem", folder / "ca.key")
    key = serialization.load_pem_private_key(files.key.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{files.key.name} is not an elliptic curve key")
    return Authority(x509.load_pem_x509_certificate(files.cert.read_bytes()), key, files)


def make_server_pair(
    authority: Authority, folder: Path, names: Iterable[str] = (), *, force: bool = False
) -> Pair:
    """Write `server.pem` and `server.key`, valid for this machine's local names and *names*.

    The gateway shows the same certificate to the Flight server, hence both purposes.
    """
    alternatives = [_alternative(name) for name in dict.fromkeys((*LOCAL_NAMES, *names))]
    extension = x509.SubjectAlternativeName(alternatives)
    files = Pair(folder / "server.pem", folder / "server.key")
    return _make_leaf(authority, files, "localhost", SERVER_AND_CLIENT, extension, force=force)


def make_client_pair(authority: Authority, folder: Path, common_name: str, *, force: bool = False) -> Pair:
    """Write `client-NAME.pem` and `.key` for the principal *common_name*.

    Raises:
        ValueError: The name would leave the folder.
    """
    if not common_name or Path(common_name).name != common_name:
        raise ValueError(f"{common_name!r} is not a name for a file")
    # gRPC takes the alternative name for the caller's, where there is one, and not the common name.
    extension = x509.SubjectAlternativeName([x509.DNSName(common_name)])
    files = Pair(folder / f"client-{common_name}.pem", folder / f"client-{common_name}.key")
    return _make_leaf(authority, files, common_name, CLIENT, extension, force=force)


def _make_leaf(
    authority: Authority,
    files: Pair,
    common_name: str,
    purposes: Sequence[x509.ObjectIdentifier],
    names: x509.SubjectAlternativeName,
    *,
    force: bool,
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    cert = (
        _builder(_named(common_name), authority.cert.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(issuer_key, critical=False)
        .add_extension(names, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    _write_pair(files, cert, key, force=force)
    return files


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_pair(files: Pair, cert: x509.Certificate, key: ec.EllipticCurvePrivateKey, *, force: bool) -> None:
    files.cert.parent.mkdir(parents=True, exist_ok=True)
    for file in (files.key, files.cert):
        if file.exists() and not force:
            raise FileExistsError(f"{file} exists")
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    _write(files.key, private, mode=0o600)
    _write(files.cert, cert.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _write(file: Path, content: bytes, *, mode: int) -> None:
    """Put *content* in place at once, with *mode* from its first byte."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    draft.replace(file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is missing in the folder, and say what to put into config.toml."""
    options = _options(arguments)
    folder = options.folder.absolute()
    try:
        authority = _kept_authority(folder, force=options.force)
        for name in options.client:
            make_client_pair(authority, folder, name, force=options.force)
        if options.force or not options.client or not (folder / "server.pem").exists():
            make_server_pair(authority, folder, options.name, force=options.force)
    except (FileExistsError, ValueError) as error:
        print(f"{error}; --force replaces what is there", file=sys.stderr)
        return 1
    print(_advice(folder))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make_certs", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--name", action="append", default=[], help="another host name or address")
    parser.add_argument("--client", action="append", default=[], help="a client certificate for this name")
    parser.add_argument("--force", action="store_true", help="replace the authority and what is asked for")
    return parser.parse_args(arguments)


def _kept_authority(folder: Path, *, force: bool) -> Authority:
    if (folder / "ca.pem").exists() and not force:
        return read_authority(folder)
    return make_authority(folder, force=force)


def _advice(folder: Path) -> str:
    return "\n".join(
        (
            f'tls_cert = "{folder / "server.pem"}"',
            f'tls_key = "{folder / "server.key"}"',
            f'client_ca = "{folder / "ca.pem"}"  # to ask for client certificates',
        )
    )


if __name__ == "__main__":
    sys.exit(main())
