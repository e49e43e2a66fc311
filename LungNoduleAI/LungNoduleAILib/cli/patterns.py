"""``thoraxai lung patterns CT --output DIR``: normal, ground-glass and reticular lung, per lobe."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.cases.requests import PatternsRequest
from ThoraxAILib.errors import known
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from LungNoduleAILib.parenchyma.pattern_map import PatternMap


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``patterns``."""
    parser = commands.add_parser("patterns", help="map normal, ground-glass and reticular lung (research use only)")
    PatternsRequest.add_arguments(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        from LungNoduleAILib.cases.pattern_files import NOTICE, describe_patterns

        request = PatternsRequest.from_arguments(arguments)
        notes: list[str] = []
        found = map_case(request, Progress(events.progress, arguments.is_cancelled), notes.append)
        if not events.own_stdout:
            told = [*(f"note: {note}" for note in notes), *describe_patterns(found)]
            print("\n".join([*told, f"The map lies in {request.output}.", NOTICE]))
        events.result(request.output)
    return 0


def map_case(request: PatternsRequest, progress: Progress, on_note: Callable[[str], None] | None = None) -> PatternMap:
    """Read a CT, map its patterns on its own grid and write them to a folder.

    ``on_note`` hears what was chosen and repaired while the CT was read.
    """
    from LungNoduleAILib.analysis.engines import choose_pattern_engines
    from LungNoduleAILib.cases.pattern_files import write_patterns
    from LungNoduleAILib.model.files import PATTERN_MAP_FILE, PATTERN_PICTURE_FILE, PATTERN_TABLE_FILE
    from LungNoduleAILib.parenchyma.pattern_map import PatternMap
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.jobs.outputs.output_folder import OutputFolder

    engines = choose_pattern_engines(request.anatomy, request.device)
    volume = read_volume(request.input, request.series, progress.part(0.0, 0.15))
    if on_note is not None:
        for note in volume.notes:
            on_note(note)
    order = volume.axis_order_to_lps()
    turned = order.apply(volume)
    turned = turned.with_array(np.ascontiguousarray(turned.array))
    patterns = known(engines.patterns, "what maps the patterns")
    with OutputFolder(request.output, (PATTERN_MAP_FILE, PATTERN_PICTURE_FILE, PATTERN_TABLE_FILE)) as folder:
        lungs = engines.anatomy.made.segment(turned, progress.part(0.15, 0.5))
        found = patterns.made.map(turned, lungs, progress.part(0.5, 0.9))
        found = PatternMap(np.ascontiguousarray(order.undo_array(found.labels)), found.shares)
        progress(0.9, "Writing the map")
        methods = {
            "anatomy": engines.anatomy.name,
            "anatomy_fingerprint": engines.anatomy.fingerprint,
            "patterns_fingerprint": patterns.fingerprint,
            "device": engines.device,
            "anatomy_device": engines.anatomy.device,
            "patterns_device": patterns.device,
        }
        write_patterns(folder, volume, found, methods)
    progress(1.0, "Done")
    return found
