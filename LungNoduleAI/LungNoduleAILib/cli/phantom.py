"""``thoraxai lung phantom``: synthetic chest CTs with their truth, one or many."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungNoduleAILib.cases.requests import PHANTOM_SETTINGS, PhantomRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.pool import as_finished, open_pool
from ThoraxAILib.jobs.progress import Progress


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``phantom``."""
    parser = commands.add_parser("phantom", help="write a synthetic chest CT with known nodules")
    PhantomRequest.add_arguments(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_phantom)


def _phantom(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        request = PhantomRequest.from_arguments(arguments)
        progress = Progress(events.progress, arguments.is_cancelled)
        if not request.replace:
            _check_free(request)
        if request.pair:
            told = _pair(request, progress)
        else:
            told = _one(request, progress) if request.count == 1 else _many(request, progress)
        if not events.own_stdout:
            print(told)
        events.result(request.output)
    return 0


def _check_free(request: PhantomRequest) -> None:
    """Raise InputError where a file of the person would be written over."""
    from LungNoduleAILib.cases.sample import PAIR_FOLDERS, PAIR_TABLE, PAIR_TRUTH
    from LungNoduleAILib.synthesis.truth import PHANTOM_FILES

    folders = [request.output]
    if request.pair:
        folders += [request.output / name for name in PAIR_FOLDERS]
    elif request.count > 1:
        folders = [folder for folder, *_ in _orders(request)]
    names = (*PHANTOM_FILES, PAIR_TABLE, PAIR_TRUTH)
    there = next((folder / name for folder in folders for name in names if (folder / name).exists()), None)
    if there is not None:
        raise InputError(
            f"'{there.parent}' holds {there.name} already: choose another --output, or add --replace to write over it."
        )


def _orders(request: PhantomRequest) -> list[tuple[Path, int, str]]:
    """Return folder, seed and setting of each of many chests."""
    seeds = range(request.seed, request.seed + request.count)
    return [(request.output / f"case-{seed:06d}", seed, request.setting) for seed in seeds]


def _pair(request: PhantomRequest, progress: Progress) -> str:
    from LungNoduleAILib.cases.sample import write_sample_pair

    fates = [entry["fate"] for entry in write_sample_pair(request.output, request.seed, progress).truth()]
    told = ", ".join(f"{fates.count(fate)} {fate}" for fate in dict.fromkeys(fates))
    return (
        f"Two dates of one synthetic person with known nodules ({told}) lie in {request.output}: "
        f"thoraxai lung follow-up {request.output / 'prior' / 'ct.nrrd'} {request.output / 'current' / 'ct.nrrd'} "
        "--output DIR compares them."
    )


def _one(request: PhantomRequest, progress: Progress) -> str:
    nodules = write_case(request.output, request.seed, request.setting, progress)
    return f"A synthetic chest CT with {nodules} known nodules lies in {request.output}."


def _many(request: PhantomRequest, progress: Progress) -> str:
    """Each case in a folder of its own; finished ones stay when the run is stopped."""
    orders = _orders(request)
    nodules = 0
    if request.jobs == 1:
        for done, order in enumerate(orders):
            nodules += write_case(*order, progress.part(done / len(orders), (done + 1) / len(orders)))
    else:
        with open_pool(min(request.jobs, len(orders))) as pool:
            for done, found in enumerate(as_finished(pool, write_case, orders), start=1):
                nodules += found
                progress(done / len(orders), f"Made {done} of {len(orders)} synthetic chests")
    return f"{len(orders)} synthetic chest CTs with {nodules} known nodules lie in {request.output}."


def write_case(directory: Path, seed: int, setting: str, progress: Progress | None = None) -> int:
    """Make the case of a seed and write it at once; returns how many nodules it has."""
    from LungNoduleAILib.cases.sample import write_sample
    from LungNoduleAILib.synthesis.case import draw_case
    from LungNoduleAILib.synthesis.truth import PHANTOM_FILES, write_phantom
    from ThoraxAILib.jobs.outputs.output_folder import OutputFolder

    progress = progress or Progress()
    if setting == PHANTOM_SETTINGS[0]:
        return len(write_sample(directory, seed, progress).nodules)
    with OutputFolder(directory, PHANTOM_FILES) as folder:
        progress(0.0, "Making a synthetic chest")
        phantom = draw_case(seed, setting)
        progress(0.8, "Writing the synthetic chest")
        write_phantom(phantom, folder)
    return len(phantom.nodules)
