"""``thoraxai lung dataset``: what is in a folder of annotated CT, and the same as an nnU-Net data set."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from LungNoduleAILib.cli.learning.train import ProgressBar
from LungNoduleAILib.datasets.open import each_case, open_training_data
from LungNoduleAILib.datasets.requests import DatasetRequest, ExportRequest
from LungNoduleAILib.datasets.training_case import TrainingCase, TrainingData
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.progress import Progress

SIZE_EDGES_MM = (0.0, 4.0, 6.0, 8.0, 15.0, 30.0, np.inf)


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``dataset`` with ``inspect`` and ``export-nnunet``."""
    dataset = commands.add_parser("dataset", help="annotated CT of your own: LUNA16, LIDC, MSD-style folders")
    actions = dataset.add_subparsers(dest="action", required=True, metavar="ACTION")
    inspect = actions.add_parser("inspect", help="read every case and tell what is there and what is wrong")
    DatasetRequest.add_arguments(inspect)
    inspect.set_defaults(run=_inspect)
    export = actions.add_parser("export-nnunet", help="write the cases as an nnU-Net v2 raw data set")
    ExportRequest.add_arguments(export)
    export.set_defaults(run=_export)


@dataclass
class Census:
    """Counts over the cases that could be read, what could not, and what was repaired or left out in the others."""

    cases: int = 0
    with_nodules: int = 0
    ignored: int = 0
    with_masks: int = 0
    diameters_mm: list[float] = field(default_factory=list)
    types: dict[str, int] = field(default_factory=dict)
    spacing_mm: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, case: TrainingCase) -> None:
        """Count one case."""
        self.cases += 1
        self.with_nodules += bool(case.nodules)
        self.with_masks += case.mask is not None
        self.ignored += len(case.ignored)
        self.diameters_mm += [nodule.diameter_mm for nodule in case.nodules]
        self.spacing_mm.append(float(case.volume.spacing_ijk_mm[2]))
        for nodule in case.nodules:
            self.types[nodule.type or "unknown"] = self.types.get(nodule.type or "unknown", 0) + 1
        self.notes += [f"{case.name}: {note}" for note in case.notes]

    def lines(self, kind: str) -> list[str]:
        """Return what a person wants to know, one line each."""
        lines = [
            f"{kind}: {self.cases} cases, {self.with_nodules} of them with nodules, "
            f"{len(self.diameters_mm)} nodules, {self.ignored} places to be ignored."
        ]
        if self.diameters_mm:
            middle = np.percentile(self.diameters_mm, (0, 50, 100))
            lines.append("Diameters: {:.1f} to {:.1f} mm, median {:.1f} mm.".format(*middle[[0, 2, 1]]))
            counts = np.histogram(self.diameters_mm, SIZE_EDGES_MM)[0]
            names = [
                f"{low:g} to {high:g} mm" if np.isfinite(high) else f"{low:g} mm and more"
                for low, high in pairwise(SIZE_EDGES_MM)
            ]
            sizes = [f"{name} {count}" for name, count in zip(names, counts, strict=True)]
            lines.append("By size: " + ", ".join(sizes) + ".")
            lines.append("By type: " + ", ".join(f"{name} {self.types[name]}" for name in sorted(self.types)) + ".")
        if self.cases:
            outlines = "outlines" if self.with_masks else "centers and diameters"
            lines.append(
                f"Annotated by {outlines}; slices {min(self.spacing_mm):g} to {max(self.spacing_mm):g} mm apart."
            )
        return lines


def take_census(data: TrainingData, progress: Progress) -> Census:
    """Read every case of a data set; those that cannot be read are problems."""
    census = Census(problems=list(data.problems))
    for number, name in enumerate(data.names):
        progress(number / len(data.names), f"Case {number + 1} of {len(data.names)}")
        try:
            census.add(data.load(name))
        except InputError as error:
            census.problems.append(f"{name}: {error}")
    return census


@contextmanager
def _progress(arguments: argparse.Namespace) -> Iterator[Progress]:
    """Yield a progress bar where somebody sees it."""
    bar = ProgressBar() if sys.stderr.isatty() else None
    try:
        yield Progress(bar, arguments.is_cancelled)
    finally:
        if bar is not None:
            bar.end()


def _inspect(arguments: argparse.Namespace) -> int:
    request = DatasetRequest.from_arguments(arguments)
    data = open_training_data(request.data, request.readers)
    with _progress(arguments) as progress:
        census = take_census(data, progress)
    print("\n".join(census.lines(data.kind)))
    for word, sentences in (("problem", census.problems), ("note", census.notes)):
        for sentence in sentences:
            print(f"{word}: {sentence}")
    if not census.cases:
        raise InputError(f"None of the {len(data.names)} cases can be used: see the problems above.")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.datasets.nnunet import export_nnunet

    request = ExportRequest.from_arguments(arguments)
    data = open_training_data(request.data, request.readers)
    for problem in data.problems:
        print(f"problem: {problem}", file=sys.stderr)

    def tell(name: str, error: InputError) -> None:
        print(f"problem: {name}: {error}", file=sys.stderr)

    cases = each_case(data, tell)
    try:
        with _progress(arguments) as progress:
            written = export_nnunet(cases, len(data.names), request.output, request.data.resolve().name, progress)
    except Cancelled as error:
        raise Cancelled("Cancelled; nothing was written.") from error
    print(f"{written} of {len(data.names)} cases were written to {request.output}.")
    return 0
