"""The way without a network: what an upload would send, as one archive that only its recipients can open (age).

The format is age (https://age-encryption.org/v1), which other programs read: ``age -d -i KEY FILE | tar x``.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.archives.unpack import unpack_into
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.jobs.outputs.output_folder import FULL_DISK, OutputFolder, output_error
from ThoraxAILib.jobs.outputs.private_files import make_private_folder
from ThoraxAILib.jobs.work_folder import WorkFolder
from ThoraxAILib.store.upload.audit_log import EXPORT, AuditLog
from ThoraxAILib.store.upload.manifest import MANIFEST, read_manifest
from ThoraxAILib.store.upload.upload import LOG, FolderToSend, check_file, refuse_outside
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

MAX_KEY_BYTES = 1 << 16
TAR = "sealed.tar"


@dataclass(frozen=True)
class Sealed:
    """How many files are in an archive, and why others are not."""

    files: int
    refused: tuple[str, ...]


def seal(request: FolderToSend, target: Path, recipients: Sequence[str]) -> Sealed:
    """Write the files of the manifest into an encrypted archive; one that is not as it was written is left out.

    ``recipients`` are public keys (``age1...``). Raises InputError when the folder holds what may not leave it.
    """
    pyrage = _pyrage()
    try:
        keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    except pyrage.RecipientError as error:
        raise InputError("A recipient is no public key of age: give what age-keygen prints, age1...") from error
    if not keys:
        raise InputError("An archive without a recipient could not be opened: give --recipient age1...")
    if target.exists():
        raise InputError(f"'{target.name}' is there already: choose another name.")
    items = read_manifest(request.folder)
    make_private_folder(request.private_folder)
    log = AuditLog(request.private_folder / LOG)
    refuse_outside(request.folder, items, request.private_folder, log)
    work = WorkFolder()
    refused = []
    try:
        with tarfile.open(work.path / TAR, "w") as tar:
            _add(tar, MANIFEST, (request.folder / MANIFEST).read_bytes())
            for item in items:
                file, reason = check_file(request.folder, item)
                if file is None:
                    refused.append(reason)
                else:
                    _add(tar, item.path, file.data)
        pyrage.encrypt_file(str(work.path / TAR), str(target), keys)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise output_error(error) from error
    finally:
        work.remove()
    log.add(EXPORT, files=len(items) - len(refused), refused=len(refused), outcome="sealed archive")
    return Sealed(len(items) - len(refused), tuple(refused))


def unseal(archive: Path, key_file: Path, target: Path) -> Sealed:
    """Open an archive into a new folder and compare every file with the manifest; nothing stays when one differs.

    Raises InputError for another key, or an archive that was changed.
    """
    work = WorkFolder()
    try:
        _decrypt(archive, work.path / TAR, key_file)
        with OutputFolder(target, (MANIFEST,)) as folder:
            unpack_into(work.path / TAR, folder)
            items = read_manifest(folder)
            for item in items:
                file, reason = check_file(folder, item)
                if file is None:
                    raise InputError(f"A file of the archive is not as the manifest says ({reason}): ask for it again.")
        return Sealed(len(items), ())
    finally:
        work.remove()


def _decrypt(archive: Path, target: Path, key_file: Path) -> None:
    pyrage, identity = _pyrage(), _identity(key_file)
    if not archive.is_file():
        raise InputError(f"'{archive}' was not found: check the path.")
    try:
        pyrage.decrypt_file(str(archive), str(target), [identity])
    except (pyrage.DecryptError, OSError) as error:
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            raise output_error(error) from error
        raise InputError("The archive cannot be opened: it is for another key, or it was changed.") from error


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file without owner and time, which say something about the machine."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, io.BytesIO(data))


def _identity(key_file: Path):
    pyrage = _pyrage()
    try:
        lines = read_bounded(key_file, MAX_KEY_BYTES).decode("utf-8").splitlines()
        return pyrage.x25519.Identity.from_str(next(line for line in lines if line.startswith("AGE-SECRET-KEY-")))
    except (OSError, TooLarge, UnicodeDecodeError, StopIteration, pyrage.IdentityError) as error:
        raise InputError(f"'{key_file.name}' is no key of age: give the file that age-keygen wrote.") from error


def _pyrage():
    try:
        import pyrage
    except ImportError as error:
        raise MissingDependencyError('Encrypted archives need pyrage: pip install "thoraxai[store]".') from error
    return pyrage
