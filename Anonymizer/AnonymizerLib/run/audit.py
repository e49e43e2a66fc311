"""A second look at a finished output: every file is searched for the identifiers of its input, and judged once more.

Judged once more means: an output of today would not be changed by cleaning it again. What the profile would take out of
an output is a problem even when the input says nothing about it, as with the names of other people in free text.

With the journal of the run each output is compared with the input it came from. Without it every output is compared
with all inputs, and dates only where the profile keeps none: a shifted date of one patient may be a real date of
another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.check.identifiers import UIDS, Tokens, tokens_of
from AnonymizerLib.check.search import OUR_OWN, Leak, find_in_pixels, find_leaks, tokens_in
from AnonymizerLib.deidentify.instance import ASCII, CLEAN, IDENTITY_REMOVED
from AnonymizerLib.deidentify.walk import Deidentifier
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.objects.dicom_file import (
    DEFLATED,
    Buffer,
    encode_attributes,
    looks_like_dicom,
    read_dicom,
)
from AnonymizerLib.objects.element import encodings_of, raw_text, raw_value
from AnonymizerLib.objects.input_file import read_regular
from AnonymizerLib.pixels.blackout import NATIVE, PIXEL_DATA
from AnonymizerLib.profile.actions import Action
from AnonymizerLib.profile.iods import Location
from AnonymizerLib.profile.options import Profile
from AnonymizerLib.run.listing import list_folder
from AnonymizerLib.run.report import REPORT_FOLDER
from AnonymizerLib.run.summary import latest_records
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.untrusted.parse_errors import parse_errors

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# What cleaning an output again must not find to do; pseudonyms, dates and UIDs change with every key.
TAKES_OUT = frozenset(
    {Action.REMOVE, Action.EMPTY, Action.DUMMY, Action.CLEAN_TEXT, Action.CLEAN_CONTENT, Action.CAP_AGE}
)
UID = re.compile(rb"[0-9]+(?:\.[0-9]+){3,}")
NEW_UID = b"2.25."  # PS3.5 B.2, see Identities.uid
SHORTEST_IN_REPORT = 6


@dataclass
class Audit:
    """What a check found; ``problems`` are sentences with the output file's name, never a value."""

    inputs: int = 0
    outputs: int = 0
    tokens: int = 0
    searched: Counter = field(default_factory=Counter)
    bytes_searched: int = 0
    unreadable_inputs: int = 0
    is_paired: bool = False
    problems: list[str] = field(default_factory=list)


class _Identifiers:
    """The identifiers of the inputs: all of them together, and those of one input when it is known."""

    def __init__(self, source: Path, profile: Profile) -> None:
        self.source = source
        self.engine = Deidentifier(profile, Identities(ProjectKey.new()))
        self.keeps_dates = profile.temporal_information != "REMOVED"
        self.uids: set[bytes] = set()
        self.together = Tokens()

    def of_file(self, path: Path) -> Tokens | None:
        """Collect the identifiers of one input; None when it cannot be read."""
        try:
            data = read_regular(path)
            if not looks_like_dicom(data[:132]):
                return None
            ds = read_dicom(data).dataset
            encodings = encodings_of(ds, ["iso8859"])
            return tokens_of(self.engine.clean(ds).originals, encodings)
        except parse_errors():  # a broken input is counted, it cannot be compared
            return None

    def gather(self, result: Audit, progress: Progress) -> None:
        """Read every input once; UIDs are kept apart, since there is one per instance."""
        listing = list_folder(self.source)
        if listing.set_aside:
            result.problems.append(
                f"{len(listing.set_aside)} folders of the input are links or cannot be opened: what "
                "is in them was not compared."
            )
        together: list[Tokens] = []
        seen: set[Tokens] = set()
        for number, name in enumerate(listing.files, start=1):
            progress(number / len(listing.files), f"{number} of {len(listing.files)} inputs")
            found = self.of_file(self.source / name)
            if found is None:
                result.unreadable_inputs += 1
                continue
            result.inputs += 1
            uids = frozenset(token for token in found.anywhere if UID.fullmatch(token))
            self.uids |= uids
            rest = replace(
                found,
                anywhere=found.anywhere - uids,
                dates=frozenset() if self.keeps_dates else found.dates,
                squeezed=frozenset() if self.keeps_dates else found.squeezed,
            )
            if rest not in seen:
                seen.add(rest)
                together.append(rest)
        self.together = Tokens.together(together)
        for kind, number in self.together.counts:
            result.searched[kind] += number
        result.searched[UIDS] = len(self.uids)
        result.tokens = len(self.together.all) + len(self.uids)

    def judge(self, data: Buffer) -> list[Location]:
        """Where cleaning an output again would still take something out; a second walk on a copy of its own."""
        ds = read_dicom(data).dataset
        before = read_dicom(data).dataset
        changes = self.engine.clean(ds).changes
        places = dict.fromkeys(location for location, action, _ in changes if action in TAKES_OUT)
        return [
            location
            for location in places
            if location[0] not in OUR_OWN
            and not _are_new_uids(values := _values_at(before, location))
            and values != _values_at(ds, location)
        ]


def _are_new_uids(values: list[object]) -> bool:
    """Whether all of them are UIDs as this program makes them: they would only be made new once more.

    A UID of the input that looks like one is found by the search for the input's own UIDs.
    """
    return all(
        isinstance(value, bytes) and value.startswith(NEW_UID) and value[len(NEW_UID) :].isdigit() for value in values
    )


def _values_at(ds: Dataset, location: Location) -> list[object]:
    """List the values of an attribute in every item that holds it."""
    if location[0] not in ds:
        return []
    if len(location) == 1:
        element = ds.get_item(location[0])
        return [
            str(ds[location[0]].value) if element.VR == "SQ" else (raw_value(ds, location[0]) or b"").rstrip(b" \0")
        ]
    found: list[object] = []
    for item in ds[location[0]].value or ():
        found += _values_at(item, location[1:])
    return found


def audit(
    output: Path, source: Path, profile: Profile, progress: Progress | None = None, journal: Path | None = None
) -> Audit:
    """Search every file of an output folder, names included, for the identifiers of the files in ``source``."""
    progress = progress or Progress()
    for folder in (output, source):
        if not folder.is_dir():
            problem = "is a file" if folder.exists() else "does not exist"
            raise InputError(f"'{folder}' {problem}: give the output folder and --against its input.")
    result = Audit()
    identifiers = _Identifiers(source, profile)
    identifiers.gather(result, progress.part(0.0, 0.5))
    pairs = _pairs(journal) if journal is not None and journal.is_file() else {}
    result.is_paired = bool(pairs)
    listing = list_folder(output)
    result.problems += [f"{name} {reason[0].lower()}{reason[1:]}" for name, reason in listing.set_aside.items()]
    for number, name in enumerate(map(Path, listing.files), start=1):
        path = output / name
        own = source / pairs[name.as_posix()] if name.as_posix() in pairs else None
        _check_file(path, name, identifiers, own, result)
        progress(0.5 + 0.5 * number / len(listing.files), f"{number} of {len(listing.files)} outputs")
    return result


def _pairs(journal: Path) -> dict[str, str]:
    """Output name to input name."""
    return {record["output"]: record["source"] for record in latest_records(journal) if record.get("status") == CLEAN}


def _check_file(path: Path, name: Path, identifiers: _Identifiers, own: Path | None, result: Audit) -> None:
    try:
        data = read_regular(path)
    except InputError as error:
        result.problems.append(f"{name}: {error}")
        return
    except OSError as error:
        result.problems.append(f"{name} cannot be opened ({error.strerror}).")
        return
    if not looks_like_dicom(data[:132]):
        if name.parts[0] != REPORT_FOLDER:
            result.problems.append(f"{name} is not a DICOM file.")
        elif _report_leaks(bytes(data), identifiers):
            result.problems.append(f"{name}: an identifier in the report.")
        return
    result.outputs += 1
    tokens = (identifiers.of_file(own) if own is not None and own.is_file() else None) or identifiers.together
    if tokens_in(str(name).lower().encode("utf-8"), tokens):
        result.problems.append("The name of an output file holds an identifier.")
    result.bytes_searched += len(data)
    result.problems += [f"{name}{problem}" for problem in _problems(data, tokens, identifiers)]


def _problems(data: Buffer, tokens: Tokens, identifiers: _Identifiers) -> Iterator[str]:
    try:
        file = read_dicom(data)
        is_packed = file.transfer_syntax == DEFLATED
        header = encode_attributes(file) if is_packed else data[: len(data) - len(file.pixels)]
        leaks = find_leaks(file.dataset, header, tokens)
        if file.transfer_syntax not in NATIVE and find_in_pixels(file.pixels, tokens):
            leaks.append(Leak((PIXEL_DATA,)))
        removed = raw_text(file.dataset, IDENTITY_REMOVED, ASCII)
        judged = identifiers.judge(data) if removed == "YES" else []
    except parse_errors() as error:
        yield f" cannot be read ({type(error).__name__})."
        return
    if removed != "YES":
        yield " does not state that the identity was removed."
    yield from (f": an identifier at {leak.place}." for leak in leaks)
    known = {leak.location for leak in leaks}
    for location in judged:
        if location not in known:
            yield f": the profile would take out what stands at {Leak(location).place}."
    if any(match.group() in identifiers.uids for match in UID.finditer(header)):
        yield ": a UID of the input."


def _report_leaks(data: bytes, identifiers: _Identifiers) -> bool:
    """UIDs and numbered identifiers; plain words may be words of the report itself."""
    lowered = data.lower()
    numbered = {
        token
        for token in identifiers.together.anywhere
        if len(token) >= SHORTEST_IN_REPORT and any(48 <= byte <= 57 for byte in token)
    }
    return any(token in lowered for token in numbered) or any(
        match.group() in identifiers.uids for match in UID.finditer(lowered)
    )
