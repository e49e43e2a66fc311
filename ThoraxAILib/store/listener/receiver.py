"""C-STORE and C-ECHO over TLS (PS3.4 B and A), by pynetdicom: what is acknowledged is on the disk."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ThoraxAILib.errors import InputError, MissingDependencyError, known
from ThoraxAILib.store.dimse_store import SYNTAXES, VERIFICATION
from ThoraxAILib.store.instance import read_instance
from ThoraxAILib.store.listener.inbox import Inbox
from ThoraxAILib.store.listener.rules import Rules
from ThoraxAILib.store.server.certificates import CertificateFiles

if TYPE_CHECKING:
    from pynetdicom.events import Event

SUCCESS, NO_ROOM, OTHER_INSTANCE, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
GB = 1e9


class Receiver:
    """Listens on a port until it is closed; keeps what it gets in an inbox."""

    def __init__(
        self, title: str, port: int, inbox: Inbox, rules: Rules, own: CertificateFiles, callers_authority: Path
    ) -> None:
        try:
            from pynetdicom import AE, AllStoragePresentationContexts, evt
        except ImportError as error:
            raise MissingDependencyError('A listener needs pynetdicom: pip install "thoraxai[store]".') from error
        entity = AE(title)
        entity.maximum_associations = 16
        entity.require_called_aet = True
        entity.require_calling_aet = list(rules.callers)
        entity.network_timeout = 120.0
        entity.add_supported_context(VERIFICATION)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), list(SYNTAXES))
        self._inbox, self._rules = inbox, rules
        try:
            started = entity.start_server(
                ("0.0.0.0", port),
                block=False,
                evt_handlers=[(evt.EVT_C_STORE, self._keep)],
                ssl_context=_server_context(own, callers_authority),
            )
            self._server = known(started, "the server")
        except OSError as error:
            raise InputError(f"Port {port} cannot be listened on ({error.strerror}): choose another one.") from error

    @property
    def port(self) -> int:
        """Where it listens."""
        return known(self._server.socket, "the socket").getsockname()[1]

    def close(self) -> None:
        """Stop listening; associations in progress end."""
        self._server.shutdown()

    def has_room(self) -> bool:
        """Whether the disk may take more."""
        return shutil.disk_usage(self._inbox.folder).free >= self._rules.min_free_gb * GB

    def _keep(self, event: Event) -> int:
        if not self.has_room():
            return NO_ROOM
        try:
            instance = read_instance(event.encoded_dataset())
        except (InputError, AttributeError, ValueError):
            return NOT_UNDERSTOOD
        if instance.sop_uid != _asked(event):
            return OTHER_INSTANCE
        try:
            self._inbox.add(instance)
        except OSError:
            return NO_ROOM
        return SUCCESS


def _asked(event: Any) -> str:
    return str(event.request.AffectedSOPInstanceUID)


def _server_context(own: CertificateFiles, callers_authority: Path) -> ssl.SSLContext:
    """Return the TLS settings: callers must show a certificate of this authority, TLS 1.2 at least."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(callers_authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(own.certificate, own.key)
    return context
