"""Fuzzing: damaged DICOM files through the whole of Anonymizer, for as many minutes as asked.

``python Testing/benchmarks/anonymizer_fuzz.py --minutes N [--seed S] [--more FOLDER] [--keep FOLDER]``. The planted
files of the leak benchmark, and those of another folder, are damaged by a seeded generator and given to whole runs,
profile by profile. A run must end without an exception, no file may end or stall its worker, memory must stay
bounded, the input must stay as it was, no report may name anybody, and nothing may be written beside output and
private folder. What breaks a rule is kept for a closer look; the counts are printed, and the exit status is 1 when
there is anything to look at.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import shutil
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from AnonymizerLib.bounds.worker_limits import FileLimits
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.presets import PRESETS, profile_named
from AnonymizerLib.run.journal import Journal
from AnonymizerLib.run.run import JOURNAL, RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_plants import plants
from ThoraxAILib.errors import InputError, ThoraxAIError
from ThoraxAILib.untrusted.parse_errors import parse_errors

BATCH = 250
LONGEST_SECONDS = 30.0
MOST_BYTES = 2 << 30  # of a worker; the files are smaller than a MiB
LARGEST_INPUT = 1 << 20
ENDINGS = ("worker was killed", "ended without a word", "took longer than one file", "more memory than there is")
# of the planted files; the 8 cannot stand in a pseudonym, which is base32: four letters would, once in some hours
PEOPLE = ("Quartz", "Zebedee", "PID8", "Gneiss", "Oyelaran")
EXTREMES = (0, 1, 2, 7, 8, 0x7F, 0xFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
REPRESENTATIONS = b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OW PN SH SL SQ SS ST TM UC UI UL UN UR US UT ZZ"
SYNTAXES = (
    b"1.2.840.10008.1.2\0",
    b"1.2.840.10008.1.2.1\0",
    b"1.2.840.10008.1.2.2\0",
    b"1.2.840.10008.1.2.1.99",
    b"1.2.840.10008.1.2.5\0",
    b"1.2.840.10008.1.2.4.50",
    b"1.2.840.10008.1.2.4.70",
    b"1.2.840.10008.1.2.4.90",
    b"1.2.840.10008.1.2.4.102\0",
)
ITEM, SEQUENCE = b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"


@dataclass
class Tally:
    """What was tried and what came of it."""

    inputs: int = 0
    runs: int = 0
    statuses: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    slowest_run_seconds: float = 0.0


def main() -> int:
    """Damage, run, judge, until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--more", type=Path, help="further DICOM files to damage")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="where inputs that break a rule go")
    parser.add_argument("--batch", type=int, default=BATCH, help="files per run")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    sources = [plant.data for plant in plants()] + _files_of(arguments.more)
    end, tally, seed = time.monotonic() + 60 * arguments.minutes, Tally(), arguments.seed
    print(f"{len(sources)} files to damage", flush=True)
    while True:
        with tempfile.TemporaryDirectory() as name:
            one_run(Path(name), sources, seed, arguments, tally)
        seed += 1
        if time.monotonic() > end:
            break
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{tally.inputs} inputs in {tally.runs} runs: {dict(tally.statuses)}")
    print(f"Largest memory of a worker {peak:.0f} MiB, slowest run {tally.slowest_run_seconds:.0f} s")
    for reason, count in tally.reasons.most_common():
        print(f"  {count} x {reason}")
    print(f"{len(tally.findings)} findings")
    for finding in tally.findings:
        print(f"  {finding}")
    return 1 if tally.findings else 0


def _files_of(folder: Path | None) -> list[bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
    return [path.read_bytes() for path in found if path.stat().st_size <= LARGEST_INPUT]


def one_run(folder: Path, sources: list[bytes], seed: int, arguments: argparse.Namespace, tally: Tally) -> None:
    """One folder of damaged files through one profile."""
    chance = random.Random(seed)
    source, inputs = folder / "in", {}
    source.mkdir()
    for number in range(arguments.batch):
        inputs[f"{number:04d}.dcm"] = damaged(sources, chance)
        (source / f"{number:04d}.dcm").write_bytes(inputs[f"{number:04d}.dcm"])
    preset = chance.choice(sorted(PRESETS))
    settings = WorkerSettings(
        source,
        folder / "out",
        profile_named(preset, [], None),
        ProjectKey(hashlib.sha256(str(seed).encode()).digest(), "fuzz"),  # so that a finding can be repeated
        PixelPolicy(use_ocr=False, accept_doubtful=chance.random() < 0.7),
    )
    limits = FileLimits(LONGEST_SECONDS, MOST_BYTES)
    began = time.monotonic()
    try:
        run(RunOptions(settings, jobs=1, is_isolated=True, limits=limits))
    except parse_errors(ThoraxAIError):
        _find(tally, arguments.keep, f"seed {seed}, {preset}: the run failed\n{traceback.format_exc()}", inputs)
    tally.slowest_run_seconds = max(tally.slowest_run_seconds, time.monotonic() - began)
    tally.runs += 1
    tally.inputs += len(inputs)
    _judge(folder, inputs, f"seed {seed}, {preset}", arguments.keep, tally)


def _judge(folder: Path, inputs: dict[str, bytes], name: str, keep: Path, tally: Tally) -> None:
    beside = {path.name for path in folder.iterdir()} - {"in", "out", "out-private"}
    if beside:
        _find(tally, keep, f"{name}: written beside the output: {sorted(beside)}", inputs)
    changed = [one for one, data in inputs.items() if (folder / "in" / one).read_bytes() != data]
    if changed or len(list((folder / "in").iterdir())) != len(inputs):
        _find(tally, keep, f"{name}: the input was changed", inputs)
    try:
        records = [record for record in Journal.records(folder / "out-private" / JOURNAL) if "source" in record]
    except InputError as error:
        _find(tally, keep, f"{name}: {error}", inputs)
        return
    missing = set(inputs) - {record["source"] for record in records}
    if missing:
        _find(tally, keep, f"{name}: no outcome of {sorted(missing)}", {one: inputs[one] for one in missing})
    written = {path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*.dcm")}
    if written != {record["output"] for record in records if record["status"] == "clean"}:
        _find(tally, keep, f"{name}: the outputs are not those of the journal", inputs)
    reports = [path for path in (folder / "out" / "report").rglob("*") if path.is_file()]
    named = [f"{path.name}: {one}" for path in reports for one in PEOPLE if one.encode() in path.read_bytes()]
    if named:
        _find(tally, keep, f"{name}: a report names somebody ({', '.join(named)})", inputs)
    for record in records:
        reason = record.get("reason", "")
        tally.statuses[record["status"]] += 1
        tally.reasons[reason or record["status"]] += 1
        if any(word in reason for word in ENDINGS):
            lost = {record["source"]: inputs[record["source"]]}
            _find(tally, keep, f"{name}, {record['source']}: {reason}", lost)


def _find(tally: Tally, keep: Path, finding: str, inputs: dict[str, bytes]) -> None:
    """Note a finding and keep the inputs that led to it."""
    place = keep / f"{len(tally.findings):03d}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, data in inputs.items():
        (place / name).write_bytes(data)
    tally.findings.append(finding)
    print(finding, flush=True)


# --- damage --------------------------------------------------------------------------------------------------------


def damaged(sources: list[bytes], chance: random.Random) -> bytes:
    """One of the files with one to three faults, half of them such that every length still leads to the end."""
    data = bytearray(chance.choice(sources))
    faults = FAULTS if chance.random() < 0.5 else GENTLE
    for _ in range(chance.randint(1, 3)):
        if len(data) > 200:
            chance.choice(faults)(data, sources, chance)
    return bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """Mostly in the attributes, behind the preamble."""
    end = min(len(data), 4000) if chance.random() < 0.8 else len(data)
    return chance.randrange(128, max(end - 8, 129))


def _flip(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _extreme_number(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    """A length or value that is far too small or too large."""
    form = chance.choice(("<H", ">H", "<I", ">I"))
    number = chance.choice(EXTREMES) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF)
    struct.pack_into(form, data, _place(data, chance), number)


def _extreme_size(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    """Rows, columns, samples, bits or frames of another number."""
    tag = chance.choice((b"\x28\0\x10\0", b"\x28\0\x11\0", b"\x28\0\x02\0", b"\x28\0\0\x01", b"\x28\0\x01\x01"))
    at = data.find(tag, 128)
    if 0 <= at < len(data) - 10:
        struct.pack_into("<H", data, at + 8, chance.choice(EXTREMES) & 0xFFFF)


def _other_representation(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    vrs = REPRESENTATIONS.split()
    at = data.find(chance.choice(vrs), _place(data, chance))
    if at >= 0:
        data[at : at + 2] = chance.choice(vrs)


def _cut_short(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _take_out(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.randint(1, 40)]


def _put_in(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = chance.randbytes(chance.randint(1, 40))


def _repeat(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = bytes(data[at : at + chance.randint(8, 400)]) * chance.randint(1, 20)


def _splice(data: bytearray, sources: list[bytes], chance: random.Random) -> None:
    """The end of another file."""
    other = chance.choice(sources)
    at = _place(data, chance)
    data[at:] = other[min(at, len(other)) :]


def _nest(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    """Sequences in sequences that never end."""
    data[_place(data, chance) : 0] = (SEQUENCE + ITEM) * chance.choice((1, 3, 100, 3000))


def _other_syntax(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    """The file states another transfer syntax than it has."""
    at = data.find(b"\x02\0\x10\0UI", 128)
    if 0 <= at < len(data) - 10:
        (length,) = struct.unpack_from("<H", data, at + 6)
        new = chance.choice(SYNTAXES)
        data[at + 6 : at + 8 + length] = struct.pack("<H", len(new)) + new


def _hostile_text(data: bytearray, _sources: list[bytes], chance: random.Random) -> None:
    """Paths, control characters and escapes in a value, without changing its length."""
    text = chance.choice(
        (b"../../../x", b"/etc/x", b"\x1b$B\x1b(J", b"\0\0\0\0", b"\\\\\\\\", b"\xff\xfe\xfd", b"%s{}<b>")
    )
    at = _place(data, chance)
    data[at : at + len(text)] = text


def _change_value(data: bytearray, sources: list[bytes], chance: random.Random) -> None:
    """Bytes of a value of this or another file in place of others, as many of them."""
    at, other = _place(data, chance), chance.choice(sources)
    start = chance.randrange(max(len(other) - 16, 1))
    piece = other[start : start + chance.randint(1, 16)]
    data[at : at + len(piece)] = piece[: max(len(data) - at, 0)]


GENTLE = (_extreme_size, _other_representation, _other_syntax, _hostile_text, _flip, _change_value)
FAULTS = (
    _flip,
    _extreme_number,
    _extreme_size,
    _other_representation,
    _cut_short,
    _take_out,
    _put_in,
    _repeat,
    _splice,
    _nest,
    _other_syntax,
    _hostile_text,
)


if __name__ == "__main__":
    sys.exit(main())
