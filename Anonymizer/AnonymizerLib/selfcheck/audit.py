"""A second look at a finished output: every file is searched for the identifiers of every input.

Without the journal an output file cannot be paired with its input; then dates are compared only where the profile
keeps none, since a shifted date of one patient may be a real date of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from AnonymizerLib.dicom_file import PARSE_ERRORS, looks_like_dicom, read_dicom
from AnonymizerLib.element import encodings_of, raw_text
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.instance import ASCII, IDENTITY_REMOVED
from AnonymizerLib.profile.options import Profile
from AnonymizerLib.selfcheck.identifiers import Tokens, tokens_of
from AnonymizerLib.selfcheck.report import REPORT_FOLDER
from AnonymizerLib.selfcheck.search import find_leaks, tokens_in
from AnonymizerLib.walk import Deidentifier
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress


@dataclass
class Audit:
    """What a check found; ``problems`` are sentences with the output file's name, never a value."""

    inputs: int = 0
    outputs: int = 0
    tokens: int = 0
    unreadable_inputs: int = 0
    problems: list[str] = field(default_factory=list)


def audit(output: Path, source: Path, profile: Profile, progress: Progress | None = None) -> Audit:
    """Search every file of an output folder, names included, for the identifiers of the files in ``source``."""
    progress = progress or Progress()
    for folder in (output, source):
        if not folder.is_dir():
            raise InputError(f"'{folder.name}' is not a folder: give the output folder and --against its input.")
    result = Audit()
    tokens, uids = _identifiers(source, profile, result, progress.part(0.0, 0.5))
    result.tokens = len(tokens.all) + len(uids)
    files = [path for path in sorted(output.rglob("*")) if path.is_file()]
    for number, path in enumerate(files, start=1):
        _check_file(path, path.relative_to(output), tokens, uids, result)
        progress(0.5 + 0.5 * number / len(files), f"{number} of {len(files)} outputs")
    return result


def _identifiers(source: Path, profile: Profile, result: Audit, progress: Progress) -> tuple[Tokens, set[bytes]]:
    """What the inputs say about people, UIDs apart: there is one per instance, and they are found by look-up."""
    engine = Deidentifier(profile, Identities(ProjectKey.new()))
    tokens, uids = Tokens(), set()
    keeps_dates = profile.temporal_information != "REMOVED"
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    for number, path in enumerate(files, start=1):
        progress(number / len(files), f"{number} of {len(files)} inputs")
        found = _tokens_of_file(path, engine)
        if found is None:
            result.unreadable_inputs += 1
            continue
        result.inputs += 1
        uids |= {token for token in found.anywhere if _is_uid(token)}
        tokens = Tokens(tokens.anywhere | {token for token in found.anywhere if not _is_uid(token)},
                        frozenset() if keeps_dates else tokens.dates | found.dates,
                        tokens.words | found.words, tokens.prose | found.prose)
    return tokens, uids


def _tokens_of_file(path: Path, engine: Deidentifier) -> Tokens | None:
    data = path.read_bytes()
    if not looks_like_dicom(data[:132]):
        return None
    try:
        ds = read_dicom(data).dataset
        encodings = encodings_of(ds, ["iso8859"])
        return tokens_of(engine.clean(ds).originals, encodings)
    except PARSE_ERRORS:  # a broken input is counted, it cannot be compared
        return None


def _is_uid(token: bytes) -> bool:
    return token.count(b".") > 2 and token.replace(b".", b"").isdigit()


def _check_file(path: Path, name: Path, tokens: Tokens, uids: set[bytes], result: Audit) -> None:
    if tokens_in(str(name).lower().encode("utf-8"), tokens):
        result.problems.append("The name of an output file holds an identifier.")
    data = path.read_bytes()
    if not looks_like_dicom(data[:132]):
        if name.parts[0] == REPORT_FOLDER:
            _check_text(name, data, tokens, uids, result)
        else:
            result.problems.append(f"{name} is not a DICOM file.")
        return
    result.outputs += 1
    try:
        file = read_dicom(data)
        header = data[:len(data) - len(file.pixels)]
        leaks = find_leaks(file.dataset, header, tokens)
        if raw_text(file.dataset, IDENTITY_REMOVED, ASCII) != "YES":
            result.problems.append(f"{name} does not state that the identity was removed.")
    except PARSE_ERRORS as error:
        result.problems.append(f"{name} cannot be read ({type(error).__name__}).")
        return
    result.problems += [f"{name}: an identifier at {leak.place}." for leak in leaks]
    if any(uid in uids for uid in _uids_in(header)):
        result.problems.append(f"{name}: a UID of the input.")


def _check_text(name: Path, data: bytes, tokens: Tokens, uids: set[bytes], result: Audit) -> None:
    lowered = data.lower()
    strong = {token for token in tokens.anywhere if token in lowered}
    if strong or any(uid in uids for uid in _uids_in(lowered)):
        result.problems.append(f"{name}: an identifier in the report.")


def _uids_in(data: bytes) -> Iterator[bytes]:
    return (match.group() for match in re.finditer(rb"[0-9]+(?:\.[0-9]+){3,}", data))


