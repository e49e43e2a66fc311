"""An own certificate authority and certificates of it (X.509, RSA 2048): for one machine and for tests."""

from __future__ import annotations

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ThoraxAILib.jobs.outputs.private_files import open_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

VALID_DAYS = 365
KEY_BITS, EXPONENT = 2048, 65537


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate and its key, both PEM; the key is readable by its owner only."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; its own key stays in memory, so nobody can sign another one later."""

    def __init__(self, name: str = "ThoraxAI local authority") -> None:
        self._name = name
        self._key = _new_key()
        self._certificate = self._sign(name, self._key, (), 0, VALID_DAYS, is_authority=True)

    def write_certificate(self, path: Path) -> Path:
        """Write what callers need to trust its certificates (``--ca``)."""
        from cryptography.hazmat.primitives.serialization import Encoding

        path.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        return path

    def issue(
        self, folder: Path, name: str, hosts: tuple[str, ...] = (), starts_days: int = 0, ends_days: int = VALID_DAYS
    ) -> CertificateFiles:
        """Write ``name.crt.pem`` and ``name.key.pem``, valid from and to these days from now, for these hosts."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = _new_key()
        certificate = self._sign(name, key, hosts, starts_days, ends_days)
        files = CertificateFiles(folder / f"{name}.crt.pem", folder / f"{name}.key.pem")
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        descriptor = open_private(files.key, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    def _sign(
        self,
        name: str,
        key: RSAPrivateKey,
        hosts: tuple[str, ...],
        starts_days: int,
        ends_days: int,
        is_authority: bool = False,
    ) -> Any:
        from cryptography import x509
        from cryptography.hazmat.primitives.hashes import SHA256

        now = datetime.datetime.now(datetime.timezone.utc)
        built = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self._name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=starts_days, minutes=-5))
            .not_valid_after(now + datetime.timedelta(days=ends_days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(is_authority), critical=True)
        )
        if hosts:
            built = built.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        return built.sign(self._key, SHA256())


def _new_key() -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(EXPONENT, KEY_BITS)


def _named(name: str) -> Any:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _usage(is_authority: bool) -> Any:
    from cryptography import x509

    uses = dict.fromkeys(
        ("content_commitment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_encipherment=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        **uses,
    )


def _host(host: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
