"""``thoraxai lung detectors`` and ``thoraxai lung series PATH``: what could find, and what would be read."""

from __future__ import annotations

import argparse
from pathlib import Path

from ThoraxAILib.errors import InputError, MissingDependencyError


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``detectors`` and ``series``."""
    detectors = commands.add_parser("detectors", help="list the nodule detectors")
    detectors.set_defaults(run=_detectors)
    series = commands.add_parser("series", help="list the image series at a path and say which one would be read")
    series.add_argument("input", type=Path, metavar="PATH")
    series.set_defaults(run=_series)


def _detectors(_arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.analysis.engines import DETECTOR, REGISTRY
    from ThoraxAILib.engines.chosen import choose

    for name in REGISTRY.names(DETECTOR):
        print(f"{name}: {REGISTRY.description(DETECTOR, name)}")
        try:
            detector = choose(DETECTOR, name).made
        except MissingDependencyError as error:
            print(f"    cannot run here: {error}")
        except InputError as error:  # one that needs a model of the person's own
            print(f"    {error}")
        else:
            print(f"    reports from confidence {detector.operating_point:g}, fingerprint {detector.fingerprint}")
    for fault in REGISTRY.faults:
        print(fault)
    return 0


def _series(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.io import find_series
    from ThoraxAILib.io.series import in_order_of_preference

    found = find_series(arguments.input)
    preferred = in_order_of_preference(found)
    for series in preferred + [series for series in found if not series.usable]:
        mark = "*" if preferred and series is preferred[0] else " "
        why = "" if series.usable else f", not usable: {series.reason}"
        print(f"{mark} {series.label}{why}\n    {series.choice or 'image file without series UID'}")
    if not preferred:
        raise InputError("None of the series can be analyzed: give a folder with a chest CT.")
    print("* would be read; choose another with --series UID.")
    return 0
