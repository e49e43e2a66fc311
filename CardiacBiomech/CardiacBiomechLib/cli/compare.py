"""``thoraxai cardiac compare``: two dates of one person; heavy imports happen inside."""

from __future__ import annotations

import argparse

from CardiacBiomechLib.cases.compare_case import CompareRequest

DESCRIPTION = (
    "BEFORE and AFTER are folders that thoraxai cardiac analyze wrote. DIR receives comparison.json, "
    "comparison.csv and comparison.html: every measure at both dates beside how far two readings of the same heart "
    "differ."
)


def add_compare(commands: argparse._SubParsersAction) -> None:
    """Mount ``cardiac compare``."""
    parser = commands.add_parser("compare", help="compare two dates of one person", description=DESCRIPTION)
    CompareRequest.add_arguments(parser)
    parser.set_defaults(run=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.compare_case import compare_case

    request = CompareRequest.from_arguments(arguments)
    found = compare_case(request)
    for change in found.changes:
        row = change.to_dict()
        bounds = row["readers_differ_by"]
        beside = "" if bounds is None else f" (readers differ by {bounds[0]} to {bounds[1]})"
        print(f"{row['measure']}: {row['before']} to {row['after']}, {row['difference']:+}{beside}: {row['verdict']}")
    print("\n".join(f"caution: {text}" for text in found.cautions))
    print(f"written: {request.output}")
    return 0
