"""One instance from bytes to bytes: parse, judge the pixels, walk, mark, encode; then read the result and search it.

The order makes it fail closed: a result counts only after it was read again and searched.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from AnonymizerLib.check.identifiers import Tokens, tokens_of
from AnonymizerLib.check.search import Leak, find_in_pixels, find_leaks, holds_any, may_leak, uid_names
from AnonymizerLib.deidentify.walk import Deidentifier
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.objects.dicom_file import (
    DEFLATED,
    Buffer,
    DicomFile,
    encode,
    encode_attributes,
    looks_like_dicom,
    read_dicom,
    start_of_attributes,
    tags_at_root,
)
from AnonymizerLib.objects.element import Outcome, encodings_of, raw_text
from AnonymizerLib.objects.method_codes import PixelWork, mark
from AnonymizerLib.pixels.blackout import NATIVE, PIXEL_DATA
from AnonymizerLib.pixels.clean import PixelPolicy, clean_pixels
from AnonymizerLib.pixels.completeness import check_complete
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.pixels.risk import states_faces
from AnonymizerLib.pixels.surplus import cut_surplus
from AnonymizerLib.profile.actions import Action
from AnonymizerLib.profile.iods import Location, iod_of
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.streams.color_profile import ICC_PROFILE, clean_profiles
from AnonymizerLib.streams.strip import strip_metadata
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from AnonymizerLib.letters.ocr import TextReader
    from AnonymizerLib.pixels.face_removal import Faces

CLEAN, QUARANTINED, SKIPPED = "clean", "quarantined", "skipped"
DIRECTORY = "1.2.840.10008.1.3.10"
VOICE = "1.2.840.10008.5.1.4.1.1.9.4.1"
SOP_CLASS, SOP_INSTANCE, STUDY, SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
DOCUMENT, IDENTITY_REMOVED = 0x00420011, 0x00120062
UIDS_OF_AN_INSTANCE = (
    ("sop_class", SOP_CLASS),
    ("sop_instance", SOP_INSTANCE),
    ("study", STUDY),
    ("series", SERIES),
)
ASCII = ["ascii"]
PIECE = 1 << 16  # bytes compared at once: what fits into the cache of a processor
QUASI_IDENTIFIERS = {
    "sex": 0x00100040,
    "age": 0x00101010,
    "study_date": 0x00080020,
    "modality": 0x00080060,
    "model": 0x00081090,
    "institution": 0x00080080,
    "height": 0x00101020,
    "weight": 0x00101030,
    "study_description": 0x00081030,
}
Change = tuple[Location, Action, str]


class Refused(Exception):
    """An instance that must not pass; ``status`` says whether a person should look, the message why."""

    def __init__(self, reason: str, status: str = QUARANTINED) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class CleanInstance:
    """A cleaned instance in memory, with what is needed to check and report it."""

    file: DicomFile
    sop_class: str
    sop_instance: str
    study: str
    series: str
    pseudonym: str
    changes: list[Change]
    tokens: Tokens = field(repr=False)
    work: PixelWork = field(default_factory=PixelWork)
    quasi_identifiers: dict[str, str] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    _encoded: tuple[bytes, memoryview] | None = field(default=None, repr=False)

    @property
    def searched(self) -> dict[str, int]:
        """How many identifiers of which kind the self-check looks for, and in how many bytes."""
        head, pixels = self.encoded()
        in_pixels = 0 if self.file.transfer_syntax in NATIVE else len(pixels)
        return {**dict(self.tokens.counts), "bytes": len(head) + in_pixels}

    def encoded(self) -> tuple[bytes, memoryview]:
        """Encode the file to write, once: everything before the pixels, and the pixels."""
        if self._encoded is None:
            self._encoded = encode(self.file, self.sop_class, self.sop_instance)
        return self._encoded


class InstanceCleaner:
    """Cleans instances with one profile, one project's identities and one pixel policy."""

    def __init__(
        self,
        profile: Profile,
        identities: Identities,
        policy: PixelPolicy | None = None,
        faces: Faces | None = None,
        reader: TextReader | None = None,
    ) -> None:
        self.profile = profile
        self.identities = identities
        self.policy = policy or PixelPolicy()
        self.faces = faces
        self.reader = reader
        self.engine = Deidentifier(profile, identities)

    def clean(self, data: Buffer) -> CleanInstance:
        """De-identify the bytes of a file; Refused or InputError say why it must not pass."""
        if not looks_like_dicom(data[:132]):
            raise Refused("Not a DICOM file.", SKIPPED)
        file = read_dicom(data)
        self._refuse(file.dataset)
        check_complete(file)
        stripped = self._strip(file, data)
        editor = PixelEditor(file)
        verdict = clean_pixels(editor, self.profile, self.policy, self.reader)
        if verdict.quarantine:
            raise Refused(verdict.quarantine)
        has_no_face = self.profile.has(Option.CLEAN_FACES) and self._remove_face(editor)
        editor.finish()
        instance = self._walk(file, replace(verdict.work, face_removed=has_no_face))
        instance.changes += stripped
        return instance

    @staticmethod
    def _strip(file: DicomFile, data: Buffer) -> list[Change]:
        """Take out what rides along with pixels and is none; what was done."""
        head = None if file.transfer_syntax == DEFLATED else data[: max(len(data) - len(file.pixels), 0)]
        done: list[Change] = []
        if cut_surplus(file):
            done.append(((PIXEL_DATA,), Action.REMOVE, "bytes behind the last pixel"))
        if strip_metadata(file):
            done.append(((PIXEL_DATA,), Action.REMOVE, "what is no picture in the compressed pixels"))
        if clean_profiles(file, head):
            done.append(((ICC_PROFILE,), Action.CLEAN_TEXT, "color tables only"))
        return done

    def _refuse(self, ds: Dataset) -> None:
        """Objects that cannot be cleaned by attributes."""
        media = str(ds.file_meta.get("MediaStorageSOPClassUID", "")) if hasattr(ds, "file_meta") else ""
        sop_class = raw_text(ds, SOP_CLASS, ASCII)
        if DIRECTORY in (sop_class, media):
            raise Refused(
                "A DICOMDIR is an index full of names: it is left out, --dicomdir makes a new one from the result.",
                SKIPPED,
            )
        if not sop_class or not raw_text(ds, SOP_INSTANCE, ASCII):
            raise Refused("It lacks a SOP Class UID or a SOP Instance UID.")
        if DOCUMENT in ds:
            raise Refused("An encapsulated document cannot be cleaned: share it only after a person has.")
        if sop_class == VOICE:
            raise Refused("A voice recording cannot be cleaned.")
        if states_faces(ds) and not self.profile.has(Option.CLEAN_FACES):
            raise Refused("The image states that a person can be recognized in it: use clean-faces.")

    def _remove_face(self, editor: PixelEditor) -> bool:
        """Take a face out by the mask of its frame of reference; whether that was done and a person approved it."""
        from AnonymizerLib.pixels.face_removal import NOT_JUDGED, frame_of_reference, remove_face, shows_a_head

        file = editor.file
        frame = frame_of_reference(file.dataset)
        mask = self.faces.mask_of(frame) if self.faces is not None and frame else None
        if mask is None:
            if shows_a_head(file.dataset) or states_faces(file.dataset):
                raise Refused("It shows a head that could not be defaced: look at it.")
            return False
        if mask == NOT_JUDGED:
            raise Refused("The images of its frame of reference could not be looked at for a face: look at it.")
        if isinstance(mask, str):  # NO_HEAD
            return False
        seed = int.from_bytes(
            self.identities.key.digest("face noise", raw_text(file.dataset, SOP_INSTANCE, ASCII))[:8], "big"
        )
        if not remove_face(editor, mask, seed):
            return False
        if self.faces is None or not self.faces.is_approved:
            raise Refused(
                "A face was taken out and nobody has approved it: look at the pictures in the private "
                "folder, then run again with --approve-faces and the same key."
            )
        return True

    def _walk(self, file: DicomFile, work: PixelWork) -> CleanInstance:
        ds = file.dataset
        encodings = encodings_of(ds, ["iso8859"])
        outcome = self.engine.clean(ds)
        outcome.changes += [((tag,), Action.REMOVE, "behind the pixel data") for tag in file.dropped]
        pseudonym = self.identities.patient(outcome.subject)
        mark(ds, self.profile, work, pseudonym, file.is_implicit, file.is_little_endian)
        names: dict[str, Any] = {name: raw_text(ds, tag, ASCII) for name, tag in UIDS_OF_AN_INSTANCE}
        if not names["sop_class"] or not names["sop_instance"]:  # they were no UIDs and were taken out
            raise Refused("Its SOP Class UID or SOP Instance UID is damaged.")
        tokens = tokens_of(outcome.originals, encodings)
        if not iod_of(names["sop_class"]).known and uid_names(names["sop_class"], tokens):
            raise Refused("Its private SOP Class UID holds an identifier.")
        quasi = {name: raw_text(ds, tag, ["latin-1"]) for name, tag in QUASI_IDENTIFIERS.items()}
        return CleanInstance(
            file,
            **names,
            pseudonym=pseudonym,
            changes=outcome.changes,
            tokens=tokens,
            work=work,
            quasi_identifiers=quasi,
            identity=self._identity(outcome),
        )

    def _identity(self, outcome: Outcome) -> dict[str, str]:
        """Tell what a run must compare over all files: that the ID names nobody, else the ID alone under the key."""
        if outcome.is_nobody:
            return {"nobody": "yes"}
        return {"id": self.identities.key.short_name("bare ID", outcome.patient_id, 16)}

    def check(self, written: Buffer, instance: CleanInstance) -> list[Leak]:
        """Look at a written file that was read again; the places that still hold an identifier of its input.

        The bytes must be those that were meant, their lengths must lead through to the end, and no identifier may
        stand in them. Only where one is suspected the attributes are parsed, to name the place.
        """
        head, pixels = instance.encoded()
        if not _same_bytes(written, head, pixels):
            raise Refused("The written file differs from what was meant: the disk may be failing.")
        suspects = may_leak(head, instance.tokens)
        if suspects or not self._reads_well(head, instance.file):
            again = read_dicom(written)
            if raw_text(again.dataset, IDENTITY_REMOVED, ASCII) != "YES":
                raise Refused("The written file does not state that the identity was removed.")
            is_packed = again.transfer_syntax == DEFLATED
            leaks = find_leaks(again.dataset, encode_attributes(again) if is_packed else head, instance.tokens)
        else:
            leaks = []
        if instance.file.transfer_syntax not in NATIVE and find_in_pixels(pixels, instance.tokens):
            leaks.append(Leak((PIXEL_DATA,)))
        return leaks

    @staticmethod
    def _reads_well(head: bytes, file: DicomFile) -> bool:
        """Whether the attributes can be hopped through and carry the mark; a deflated file is parsed instead."""
        if file.transfer_syntax == DEFLATED:
            return False
        tags = tags_at_root(head, start_of_attributes(head), file.is_implicit, file.is_little_endian)
        return tags is not None and IDENTITY_REMOVED in tags and SOP_INSTANCE in tags

    def scrub(self, instance: CleanInstance, leaks: list[Leak]) -> CleanInstance:
        """Take out kept texts that held an identifier; what cannot be taken out stays a leak for the next check."""

        def holds(value: bytes, encodings: list[str]) -> bool:
            return holds_any(value, encodings, instance.tokens)

        for leak in dict.fromkeys(leaks):
            if leak.location and leak.location[-1] not in (SOP_CLASS, PIXEL_DATA):
                self.engine.scrub(instance.file.dataset, leak.location, holds)
                instance.changes.append((leak.location, Action.REMOVE, "held an identifier"))
        names: dict[str, Any] = {name: raw_text(instance.file.dataset, tag, ASCII) for name, tag in UIDS_OF_AN_INSTANCE}
        return replace(instance, _encoded=None, **names)


def _same_bytes(written: Buffer, head: bytes, pixels: memoryview) -> bool:
    """Whether a file consists of these two parts, compared piece by piece so that large files need no copy."""
    if len(written) != len(head) + len(pixels) or written[: len(head)] != head:
        return False
    one, other = np.frombuffer(written, np.uint8, offset=len(head)), np.frombuffer(pixels, np.uint8)
    return all(
        np.array_equal(one[start : start + PIECE], other[start : start + PIECE])
        for start in range(0, len(other), PIECE)
    )


def refusal_of(error: Exception) -> tuple[str, str]:
    """Status and reason of an instance that failed; messages of libraries are left out, they may quote values."""
    if isinstance(error, Refused):
        return error.status, str(error)
    if isinstance(error, InputError):
        return QUARANTINED, str(error)
    if isinstance(error, MemoryError):
        return QUARANTINED, "It needs more memory than there is for one file."
    return QUARANTINED, f"It cannot be read as DICOM ({type(error).__name__})."
