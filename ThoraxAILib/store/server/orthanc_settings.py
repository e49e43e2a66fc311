"""What Orthanc and stunnel are told: files of settings in the server's own folder.

Orthanc 1.10 of Debian 12 ends with a fault when it speaks TLS itself for HTTP, so stunnel stands in front of it; DICOM
over TLS it speaks itself. It listens on every network interface, but answers plain HTTP to this machine only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.jobs.outputs.private_files import write_private

TITLE, CALLERS = "ORTHANC", ("THORAXAI", "LISTENER")
UPLOADER, REVIEWER, ADMINISTRATOR = "uploader", "reviewer", "admin"
PLUGINS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc", "/usr/local/share/orthanc/plugins")
DICOMWEB_PLUGIN = "libOrthancDicomWeb.so"
ROOT = "dicom-web"

# Orthanc asks this before every request: readers read, the uploader sends, only the administrator removes.
FILTER = """
local function may_search(uri)
  return uri == '/tools/find' or uri == '/tools/lookup'
end

function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  if username == '%(administrator)s' then return true end
  if method == 'GET' then return true end
  if method ~= 'POST' then return false end
  if may_search(uri) then return true end
  local is_sending = uri == '/%(root)s/studies' or string.find(uri, '/%(root)s/studies/', 1, true) == 1
  return username == '%(uploader)s' and is_sending
end
"""


@dataclass(frozen=True)
class Ports:
    """Where the server listens: HTTPS, DICOM over TLS, and HTTP for this machine only."""

    https: int
    dicom: int
    http: int


@dataclass(frozen=True)
class ServerFiles:
    """The files of a server in its folder."""

    folder: Path

    @property
    def orthanc(self) -> Path:
        """Settings of Orthanc, with its passwords."""
        return self.folder / "orthanc.json"

    @property
    def stunnel(self) -> Path:
        """Settings of stunnel."""
        return self.folder / "stunnel.conf"

    @property
    def filter(self) -> Path:
        """Who may do what."""
        return self.folder / "filter.lua"

    @property
    def data(self) -> Path:
        """Images and their index."""
        return self.folder / "data"

    @property
    def authority(self) -> Path:
        """What callers trust."""
        return self.folder / "authority.crt.pem"

    @property
    def certificate(self) -> Path:
        """The server's certificate."""
        return self.folder / "server.crt.pem"

    @property
    def key(self) -> Path:
        """The server's key."""
        return self.folder / "server.key.pem"

    @property
    def accounts(self) -> Path:
        """Users with their passwords."""
        return self.folder / "accounts.json"


def write_settings(
    files: ServerFiles, ports: Ports, passwords: dict[str, str], plugin: Path, callers: dict[str, int]
) -> None:
    """Write all settings; ``callers`` are application entity titles of this machine with the ports they listen on."""
    files.filter.write_text(
        FILTER % {"administrator": ADMINISTRATOR, "uploader": UPLOADER, "root": ROOT}, encoding="utf-8"
    )
    write_private(files.orthanc, json.dumps(_orthanc(files, ports, passwords, plugin, callers), indent=2))
    write_private(files.stunnel, _stunnel(files, ports))


def _orthanc(
    files: ServerFiles, ports: Ports, passwords: dict[str, str], plugin: Path, callers: dict[str, int]
) -> dict:
    return {
        "Name": "ThoraxAI",
        "StorageDirectory": str(files.data),
        "IndexDirectory": str(files.data),
        "Plugins": [str(plugin)],
        "HttpPort": ports.http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": passwords,
        "DicomAet": TITLE,
        "DicomPort": ports.dicom,
        "DicomCheckCalledAet": True,
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(files.certificate),
        "DicomTlsPrivateKey": str(files.key),
        "DicomTlsTrustedCertificates": str(files.authority),
        "DicomTlsRemoteCertificateRequired": True,
        "DicomAlwaysAllowEcho": False,
        "DicomAlwaysAllowStore": False,
        "DicomModalities": {title.lower(): _caller(title, port) for title, port in callers.items()},
        "WebDavEnabled": False,
        "ExecuteLuaEnabled": False,
        "OverwriteInstances": False,
        "StoreMD5ForAttachments": True,
        "LuaScripts": [str(files.filter)],
        "DicomWeb": {
            "Enable": True,
            "Root": f"/{ROOT}/",
            "EnableWado": False,
            "Ssl": True,
            "Host": f"localhost:{ports.https}",
            "StudiesMetadata": "Full",
            "SeriesMetadata": "Full",
        },
    }


def _caller(title: str, port: int) -> dict:
    allowed = {"AllowEcho": True, "AllowStore": True, "AllowFind": True, "AllowGet": True, "AllowMove": False}
    return {"AET": title, "Host": "127.0.0.1", "Port": port, "UseDicomTls": True, **allowed}


def _stunnel(files: ServerFiles, ports: Ports) -> str:
    return (
        "foreground = yes\n"
        "pid =\n"
        "debug = warning\n"
        "[https]\n"
        f"accept = 127.0.0.1:{ports.https}\n"
        f"connect = 127.0.0.1:{ports.http}\n"
        f"cert = {files.certificate}\n"
        f"key = {files.key}\n"
        "sslVersionMin = TLSv1.2\n"
        "TIMEOUTclose = 0\n"
    )
