"""The certificates of a server in its folder: made once, used by every later start until they are renewed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.store.server.certificates import Authority, CertificateFiles

HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class OwnCertificates:
    """The server's certificate, one for callers, and what both trust."""

    server: CertificateFiles
    client: CertificateFiles
    authority: Path


def own_certificates(folder: Path) -> OwnCertificates:
    """Return the certificates of a folder; makes all of them when one is missing."""
    made = OwnCertificates(_files(folder, "server"), _files(folder, "client"), folder / "authority.crt.pem")
    parts = (made.server.certificate, made.server.key, made.client.certificate, made.client.key, made.authority)
    if not all(path.exists() for path in parts):
        authority = Authority()
        authority.issue(folder, "client")
        authority.issue(folder, "server", HOSTS)
        authority.write_certificate(made.authority)
    return made


def _files(folder: Path, name: str) -> CertificateFiles:
    return CertificateFiles(folder / f"{name}.crt.pem", folder / f"{name}.key.pem")
