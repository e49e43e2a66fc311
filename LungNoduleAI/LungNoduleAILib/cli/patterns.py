"""``thoraxai lung patterns CT --output DIR``: normal, ground-glass and reticular lung, per lobe."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.jobs.events import telling_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import DEVICES

DEFAULTS = AnalysisOptions()


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``patterns``."""
    parser = commands.add_parser("patterns", help="map normal, ground-glass and reticular lung (research use only)")
    add = parser.add_argument
    add("input", type=Path, metavar="CT", help="DICOM folder, NRRD, NIfTI or MetaImage file")
    add("--output", type=Path, required=True, metavar="DIR", help="folder for map, table and picture")
    add("--series", metavar="UID", help="which series of the input, see thoraxai lung series")
    add("--anatomy", default=DEFAULTS.anatomy, metavar="auto|learned|classical", help="what finds lungs and lobes")
    add("--device", default=DEFAULTS.device, metavar="|".join(DEVICES), help="where the networks run")
    add("--events", metavar="FILE|-", help="progress as JSON lines, to a file or standard output")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with telling_errors(arguments.events) as events:
        from LungNoduleAILib.cases.pattern_files import NOTICE, describe_patterns

        found = map_case(
            arguments.input,
            arguments.output,
            arguments.series,
            arguments.anatomy,
            arguments.device,
            Progress(events.progress, arguments.is_cancelled),
        )
        if not events.own_stdout:
            print("\n".join([*describe_patterns(found), f"The map lies in {arguments.output}.", NOTICE]))
        events.result(arguments.output)
    return 0


def map_case(source: Path, output: Path, series_uid: str | None, anatomy: str, device: str, progress: Progress):
    """Read a CT, map its patterns on its own grid and write them to a folder; returns the PatternMap."""
    from LungNoduleAILib.analysis.engines import choose_pattern_engines
    from LungNoduleAILib.cases.pattern_files import (
        PATTERN_MAP_FILE,
        PATTERN_PICTURE_FILE,
        PATTERN_TABLE_FILE,
        write_patterns,
    )
    from LungNoduleAILib.parenchyma.pattern_map import PatternMap
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.jobs.output_folder import OutputFolder

    engines = choose_pattern_engines(anatomy, device)
    volume = read_volume(source, series_uid, progress.part(0.0, 0.15))
    order = volume.axis_order_to_lps()
    turned = order.apply(volume)
    turned = turned.with_array(np.ascontiguousarray(turned.array))
    with OutputFolder(output, (PATTERN_MAP_FILE, PATTERN_PICTURE_FILE, PATTERN_TABLE_FILE)) as folder:
        lungs = engines.anatomy.made.segment(turned, progress.part(0.15, 0.5))
        found = engines.patterns.made.map(turned, lungs, progress.part(0.5, 0.9))
        found = PatternMap(np.ascontiguousarray(order.undo_array(found.labels)), found.shares)
        progress(0.9, "Writing the map")
        methods = {
            "anatomy": engines.anatomy.name,
            "anatomy_fingerprint": engines.anatomy.fingerprint,
            "patterns_fingerprint": engines.patterns.fingerprint,
            "device": engines.device,
            "models": [vars(model) for model in engines.models()],
        }
        write_patterns(folder, volume, found, methods)
    progress(1.0, "Done")
    return found
