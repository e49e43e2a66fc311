"""Says whether another checkout gives the same results: findings, pairs, segmentations, anonymised bytes, labels.

``same_results.py record --code CHECKOUT --output A.json`` runs the fixed set of same_results_cases.py through the
command line of that checkout, on one thread, and writes fingerprints. ``same_results.py compare A.json B.json`` prints
every difference with its place and both values and exits with 1 when there is one. Phantoms are made by the first
checkout and kept (``--inputs``), so that all checkouts analyze the same voxels.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from same_results_cases import CASES, Case
from same_results_fingerprint import Reader
from same_results_inputs import KEY_PASSWORD, stored_input

SCHEMA = "thoraxai.same-results/1"
REPOSITORY = Path(__file__).resolve().parents[2]
REAL_DATA = REPOSITORY.parent / "shared" / "data"
MODULE_FOLDERS = (".", "LungNoduleAI", "CardiacBiomech", "Anonymizer")
LIBRARIES = (
    "numpy",
    "scipy",
    "SimpleITK",
    "pydicom",
    "torch",
    "slicer-core",
    "connected-components-3d",
    "edt",
    "pillow",
)
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1"
)
REPEATABLE = {
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "CUDA_VISIBLE_DEVICES": "",
    "QT_QPA_PLATFORM": "offscreen",
    "THORAXAI_KEY_PASSWORD": KEY_PASSWORD,
}
ABSENT = "absent"


class CannotCompare(Exception):
    """One sentence for the person who started the script."""


@dataclass(frozen=True)
class Checkout:
    """A folder with the code of the suite, run as a child process with nothing else on its path."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the child: this code, one thread, the same time zone, language and key password."""
        path = os.pathsep.join(str((self.root / folder).resolve()) for folder in MODULE_FOLDERS)
        return {**os.environ, **ONE_THREAD, **REPEATABLE, "PYTHONPATH": path}

    def thoraxai(self, arguments: Sequence[str], status: int = 0) -> str:
        """Standard output of a command; CannotCompare when its exit status is not ``status``."""
        done = self._python("-m", "ThoraxAILib", *arguments)
        if done.returncode != status:
            raise CannotCompare(
                f"'thoraxai {' '.join(arguments)}' ended with {done.returncode} instead of {status}: "
                f"{done.stderr.strip()[-2000:]}"
            )
        return done.stdout

    def check(self) -> None:
        """CannotCompare unless the code that runs is that of this folder, not one that is installed."""
        done = self._python("-c", "import ThoraxAILib; print(ThoraxAILib.__file__)")
        found = done.stdout.strip()
        if done.returncode or not Path(found).is_relative_to(self.root.resolve()):
            raise CannotCompare(
                f"The code in {self.root} is not what runs (found {found or 'none'}): name the root "
                "folder of a checkout."
            )

    def _python(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
            env=self.environment,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
        )


@dataclass(frozen=True)
class Recording:
    """Where one recording reads and writes."""

    checkout: Checkout
    inputs: Path
    data: Path
    work: Path

    def run(self, case: Case) -> dict:
        """Fingerprint of everything the commands of ``case`` print and write, or why the case was skipped."""
        missing = [name for name in case.real_data if not (self.data / name).exists()]
        if missing:
            return {"skipped": f"real data not present: {missing[0]}"}
        for name in case.needs:
            stored_input(name, self.inputs, self.checkout.thoraxai)
        out = self.work / case.name
        out.mkdir(parents=True)
        folders = {"out": str(out), "inputs": str(self.inputs), "data": str(self.data)}
        reader = Reader(tuple((path, f"<{name}>") for name, path in folders.items()))
        printed = [
            self.checkout.thoraxai([word.format(**folders) for word in command], case.exit_status)
            for command in case.commands
        ]
        return {"printed": [reader.text(text) for text in printed], "files": reader.folder(out)}

    def run_or_say_why_not(self, case: Case) -> dict:
        """As ``run``; a command or file that fails fails its case alone, and no comparison calls that case equal."""
        try:
            return self.run(case)
        except CannotCompare as sentence:
            return {"failed": str(sentence)}
        except (OSError, RuntimeError, ValueError) as error:
            return {"failed": f"A file of the case cannot be read: {error}"}

    def fingerprint_inputs(self, cases: Sequence[Case]) -> dict:
        """Fingerprints of the stored inputs that the cases need."""
        names = sorted({name for case in cases for name in case.needs if (self.inputs / name).exists()})
        reader = Reader()
        return {
            name: reader.folder(self.inputs / name)
            if (self.inputs / name).is_dir()
            else reader.file(self.inputs / name)
            for name in names
        }


def record(arguments: argparse.Namespace) -> int:
    """Run the fixed set and write its fingerprints."""
    cases = chosen(arguments.only)
    checkout = Checkout(arguments.code.resolve())
    checkout.check()
    output = arguments.output.resolve()
    inputs = (arguments.inputs or output.parent / "same_results_inputs").resolve()
    results, seconds = {}, {}
    with tempfile.TemporaryDirectory(prefix="same-results-") as work:
        recording = Recording(checkout, inputs, arguments.data.resolve(), Path(work))
        for case in cases:
            started = time.perf_counter()
            results[case.name] = recording.run_or_say_why_not(case)
            seconds[case.name] = round(time.perf_counter() - started, 1)
            keep(arguments.keep, recording.work / case.name)
            print(f"{case.name:<28}{seconds[case.name]:>7.1f} s  {why_not(results[case.name])}", flush=True)
        found = {
            "schema": SCHEMA,
            "environment": environment(),
            "seconds": seconds,
            "inputs": recording.fingerprint_inputs(cases),
            "cases": results,
        }
    partial = output.with_name(f".partial-{os.getpid()}-{output.name}")
    partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    partial.replace(output)
    skipped, failed = (sum(word in result for result in results.values()) for word in ("skipped", "failed"))
    print(
        f"{len(results) - skipped - failed} cases recorded, {skipped} skipped, {failed} failed, "
        f"{sum(seconds.values()):.0f} s: {output}"
    )
    return 1 if failed else 0


def why_not(result: dict) -> str:
    """Why a case has no result; empty when it has one."""
    return next((f"{word}: {result[word]}" for word in ("skipped", "failed") if word in result), "")


def chosen(only: Sequence[str] | None) -> list[Case]:
    """The cases named, in their order, or all; CannotCompare for a name that none has."""
    names = [case.name for case in CASES]
    unknown = sorted(set(only or ()) - set(names))
    if unknown:
        raise CannotCompare(f"There is no case '{unknown[0]}': choose from {', '.join(names)}.")
    return [case for case in CASES if only is None or case.name in only]


def keep(folder: Path | None, out: Path) -> None:
    """Move the files of a case to ``folder`` where one was named, else delete them."""
    if folder is not None and out.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / out.name, ignore_errors=True)
        shutil.move(out, folder / out.name)
    shutil.rmtree(out, ignore_errors=True)


def environment() -> dict:
    """What besides the code decides about the last bits of a result."""
    import importlib.metadata

    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = ABSENT
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        **versions,
    }


def compare(arguments: argparse.Namespace) -> int:
    """Print every difference; 1 when there is one, CannotCompare when nothing was compared."""
    before, after = load(arguments.before), load(arguments.after)
    for place, first, second in differences(before["environment"], after["environment"], "environment"):
        print(f"note: {place}: {told(first)} -> {told(second)}")
    names = [case.name for case in chosen(arguments.only)] if arguments.only else [*before["cases"], *after["cases"]]
    shared_inputs = [name for name in before["inputs"] if name in after["inputs"]]
    found = [
        difference
        for part, picked in (("inputs", shared_inputs), ("cases", names))
        for name in dict.fromkeys(picked)
        for difference in differences(before[part].get(name, ABSENT), after[part].get(name, ABSENT), name)
    ]
    found += [
        (f"{name} failed on both sides", before["cases"][name]["failed"], after["cases"][name]["failed"])
        for name in dict.fromkeys(names)
        if failed(before, name) and failed(after, name)
    ]
    for place, first, second in found:
        print(f"{place}: {told(first)} -> {told(second)}")
    compared = [name for name in dict.fromkeys(names) if ran(before, name) and ran(after, name)]
    print(f"{len(compared)} cases compared, {len(found)} differences")
    if not compared and not found:
        raise CannotCompare("No case ran on both sides: record both with the real data, or name cases of phantoms.")
    return 1 if found else 0


def ran(results: dict, name: str) -> bool:
    """Whether the case is in the results and was not skipped."""
    return not why_not(results["cases"].get(name, {"skipped": ABSENT}))


def failed(results: dict, name: str) -> bool:
    """Whether a command of the case failed."""
    return "failed" in results["cases"].get(name, {})


def load(path: Path) -> dict:
    """A recorded file; CannotCompare when it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotCompare(f"{path.name} cannot be read as recorded results: {error}.") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise CannotCompare(f"{path.name} holds no results of 'same_results.py record': record it anew.")
    return found


def differences(before: object, after: object, place: str) -> Iterator[tuple[str, object, object]]:
    """Every place where two recorded values differ, with both values; ``ABSENT`` where one side has none."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), f"{place}/{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            first = before[index] if index < len(before) else ABSENT
            second = after[index] if index < len(after) else ABSENT
            yield from differences(first, second, f"{place}[{index}]")
    elif type(before) is not type(after) or (before != after and not (before != before and after != after)):
        yield place, before, after


def told(value: object) -> str:
    """A value in one line; whole files and tables are cut."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    recorder = commands.add_parser("record", help="run the fixed set with the code of a checkout")
    recorder.add_argument("--code", type=Path, required=True, metavar="CHECKOUT", help="root folder of the code")
    recorder.add_argument("--output", type=Path, required=True, metavar="RESULTS.json")
    recorder.add_argument(
        "--inputs",
        type=Path,
        metavar="DIR",
        help="stored inputs, made when absent (default: same_results_inputs beside the output)",
    )
    recorder.add_argument("--data", type=Path, default=REAL_DATA, metavar="DIR", help="real data; absent: cases skip")
    recorder.add_argument("--keep", type=Path, metavar="DIR", help="keep what the commands wrote, to look at")
    recorder.add_argument("--only", nargs="+", metavar="NAME", help=", ".join(case.name for case in CASES))
    recorder.set_defaults(run=record)
    comparer = commands.add_parser("compare", help="print what differs; exit status 1 when anything does")
    comparer.add_argument("before", type=Path, metavar="A.json")
    comparer.add_argument("after", type=Path, metavar="B.json")
    comparer.add_argument("--only", nargs="+", metavar="NAME", help="cases to compare (default: all of both files)")
    comparer.set_defaults(run=compare)
    return whole


def main() -> int:
    """Run the chosen command."""
    arguments = parser().parse_args()
    try:
        return arguments.run(arguments)
    except CannotCompare as sentence:
        print(f"same_results: {sentence}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
