"""``thoraxai lung phantom``: synthetic chest CTs with their truth, one or many."""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.events import telling_errors
from ThoraxAILib.jobs.progress import Progress

SCHEMATIC = "schematic"
SETTING_CHOICES = (SCHEMATIC, "training", "held-out")


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``phantom``."""
    parser = commands.add_parser("phantom", help="write a synthetic chest CT with known nodules")
    add = parser.add_argument
    add("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--seed", type=int, default=1, help="which synthetic patient (default 1, the demo's)")
    add(
        "--setting",
        choices=SETTING_CHOICES,
        default=SCHEMATIC,
        help="schematic: the demo's average chest (default); training: random persons, scanners and nodules; "
        "held-out: the same from another generator, for judging",
    )
    add("--count", type=int, default=1, metavar="N", help="how many, from SEED on, each in its folder")
    add("--jobs", type=int, default=1, metavar="N", help="how many are made at the same time (default 1)")
    add("--events", metavar="FILE|-", help="progress as JSON lines, to a file or standard output")
    parser.set_defaults(run=_phantom)


def _phantom(arguments: argparse.Namespace) -> int:
    with telling_errors(arguments.events) as events:
        if min(arguments.count, arguments.jobs) < 1:
            raise InputError("--count and --jobs must be at least 1: give whole numbers from 1 up.")
        if arguments.seed < 0:
            raise InputError(f"The seed must be 0 or more, {arguments.seed} was given.")
        progress = Progress(events.progress, arguments.is_cancelled)
        told = _one(arguments, progress) if arguments.count == 1 else _many(arguments, progress)
        if not events.own_stdout:
            print(told)
        events.result(arguments.output)
    return 0


def _one(arguments: argparse.Namespace, progress: Progress) -> str:
    nodules = write_case(arguments.output, arguments.seed, arguments.setting, progress)
    return f"A synthetic chest CT with {nodules} known nodules lies in {arguments.output}."


def _many(arguments: argparse.Namespace, progress: Progress) -> str:
    """Each case in a folder of its own; finished ones stay when the run is stopped."""
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    orders = [(arguments.output / f"case-{seed:06d}", seed, arguments.setting) for seed in seeds]
    nodules = 0
    if arguments.jobs == 1:
        for done, order in enumerate(orders):
            nodules += write_case(*order, progress.part(done / len(orders), (done + 1) / len(orders)))
    else:
        with ProcessPoolExecutor(min(arguments.jobs, len(orders))) as pool:
            waiting = [pool.submit(write_case, *order) for order in orders]
            try:
                for done, future in enumerate(as_completed(waiting), start=1):
                    nodules += future.result()
                    progress(done / len(orders), f"Made {done} of {len(orders)} synthetic chests")
            finally:
                for future in waiting:
                    future.cancel()
    return f"{len(orders)} synthetic chest CTs with {nodules} known nodules lie in {arguments.output}."


def write_case(directory: Path, seed: int, setting: str, progress: Progress | None = None) -> int:
    """Make the case of a seed and write it at once; returns how many nodules it has."""
    from LungNoduleAILib.cases.sample import write_sample
    from LungNoduleAILib.synthesis.case import draw_case
    from LungNoduleAILib.synthesis.truth import PHANTOM_FILES, write_phantom
    from ThoraxAILib.jobs.output_folder import OutputFolder

    progress = progress or Progress()
    if setting == SCHEMATIC:
        return len(write_sample(directory, seed, progress).nodules)
    with OutputFolder(directory, PHANTOM_FILES) as folder:
        progress(0.0, "Making a synthetic chest")
        phantom = draw_case(seed, setting)
        progress(0.8, "Writing the synthetic chest")
        write_phantom(phantom, folder)
    return len(phantom.nodules)
