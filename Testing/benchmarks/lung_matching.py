"""Benchmark: which nodule of the prior CT is which of the current one, beside nearest neighbor and affine alignment.

``python Testing/benchmarks/lung_matching.py luna25 TABLE.csv`` (real coordinates), ``synthetic`` (rendered pairs of a
setting that nothing was trained on), ``growth`` (sizes measured in both scans). Nothing is asserted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Run one mode and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(dest="mode", required=True)
    luna25 = modes.add_parser("luna25", help="coordinates of the LUNA25 table, no images")
    luna25.add_argument("table", type=Path)
    for name, cases in (("synthetic", 28), ("growth", 28)):
        mode = modes.add_parser(name)
        mode.add_argument("--cases", type=int, default=cases)
        mode.add_argument("--setting", default="held-out")
        mode.add_argument("--seed", type=int, default=90000)
        mode.add_argument("--bodies", type=Path, help="folder that keeps the bodies between runs")
        if name == "synthetic":
            mode.add_argument(
                "--registered-volumes",
                type=int,
                default=0,
                metavar="N",
                help="of N cases whole volumes are rendered, segmented and registered",
            )
    arguments = parser.parse_args()
    if arguments.mode == "luna25":
        from lung_matching_luna25 import run
    elif arguments.mode == "synthetic":
        from lung_matching_synthetic import run
    else:
        from lung_matching_growth import run
    run(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
