"""Before and after of one file, attribute by attribute, for a person to look at; nothing is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.deidentify.instance import InstanceCleaner
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.objects.dicom_file import looks_like_dicom, read_dicom
from AnonymizerLib.objects.element import raw_value
from AnonymizerLib.objects.input_file import read_regular
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.iods import Location
from AnonymizerLib.profile.options import Profile
from AnonymizerLib.run.summary import name_of
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.parse_errors import parse_errors

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

LONGEST = 120


@dataclass(frozen=True)
class TagRow:
    """One attribute: where, what it is called, its value before and after ('' when absent), what was done and why."""

    path: str
    name: str
    before: str
    after: str
    action: str
    reason: str

    @property
    def is_changed(self) -> bool:
        """Whether the attribute differs."""
        return self.before != self.after or bool(self.action)


def preview(path: Path, profile: Profile, key: ProjectKey | None = None) -> list[TagRow]:
    """Every attribute of a file before and after; InputError when the file cannot be read."""
    cleaner = InstanceCleaner(
        profile, Identities(key or ProjectKey.new()), PixelPolicy(accept_doubtful=True, use_ocr=False)
    )
    try:
        data = read_regular(path)
        if not looks_like_dicom(data[:132]):
            raise ValueError("not DICOM")
        before = _values(read_dicom(data).dataset, ())
        file = read_dicom(data)
        outcome = cleaner.engine.clean(file.dataset)
        after = _values(file.dataset, ())
    except parse_errors() as error:
        raise InputError(f"'{path.name}' cannot be read as DICOM: choose another file.") from error
    done = {location: (action.value, reason) for location, action, reason in outcome.changes}
    rows = []
    for place in sorted({*before, *after}):
        location = tuple(tag for tag, _ in place)
        action, reason = _closest(done, location)
        text = "/".join(f"{tag:08x}" for tag in location)
        rows.append(TagRow(text, name_of(text), before.get(place, ""), after.get(place, ""), action, reason))
    return rows


Place = tuple[tuple[int, int], ...]


def _closest(done: dict[Location, tuple[str, str]], location: Location) -> tuple[str, str]:
    """Look up what was done to the attribute itself or to a sequence around it."""
    for length in range(len(location), 0, -1):
        if location[:length] in done:
            return done[location[:length]]
    return "", ""


def _values(ds: Dataset, parents: Place) -> dict[Place, str]:
    """Readable values of all attributes, items numbered."""
    found: dict[Place, str] = {}
    for element in list(ds.values()):
        tag = int(element.tag)
        vr = element.VR or ds[element.tag].VR
        if vr == "SQ" or (vr == "UN" and ds[element.tag].VR == "SQ"):
            items = ds[element.tag].value or ()
            found[(*parents, (tag, 0))] = f"{len(items)} items"
            for number, item in enumerate(items):
                found |= _values(item, (*parents, (tag, number)))
        else:
            found[(*parents, (tag, 0))] = _readable(raw_value(ds, element.tag) or b"", vr)
    return found


def _readable(value: bytes, vr: str) -> str:
    if vr in ("OB", "OW", "UN", "OF", "OD", "OL", "OV", "US", "SS", "UL", "SL", "FL", "FD", "AT"):
        return f"{len(value)} bytes" if len(value) > 16 else value.hex(" ")
    return value.decode("utf-8", "replace").strip("\0 ")[:LONGEST]
