"""Benchmark: the follow-up of the sample pair beside what was planted.

``python Testing/benchmarks/lung_sample_pair.py [--pair DIR --result DIR]``; nothing is asserted. Makes both CTs and
compares them as the panel and the commands do, or reads the folders of ``thoraxai lung phantom --pair`` and ``thoraxai
lung follow-up``. A fate is told right when grown is growing, stable is stable, and new and resolved are told as such.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

WORDS = {"grown": "growing", "stable": "stable", "new": "new", "resolved": "resolved"}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", type=Path)
    parser.add_argument("--result", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pair, result = arguments.pair or Path(name) / "pair", arguments.result or Path(name) / "result"
        if arguments.pair is None:
            run("phantom", "--pair", "--output", pair)
        if arguments.result is None:
            run("follow-up", pair / "prior" / "ct.nrrd", pair / "current" / "ct.nrrd", "--output", result)
        tell(pair, result)
    return 0


def run(*words: object) -> None:
    """Run a command of ``thoraxai lung``."""
    command = [sys.executable, "-m", "ThoraxAILib", "lung", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def tell(pair: Path, result: Path) -> None:
    """Print each planted nodule beside what was told of it, and how many were told right."""
    from ThoraxAILib.scene import host

    host.install()
    from LungNoduleAILib.logic.planted import planted_rows
    from LungNoduleAILib.model.pairs import FollowUp

    truth = (pair / "pair_truth.json").read_text(encoding="utf-8")
    found = FollowUp.from_dict(json.loads((result / "pairs.json").read_text(encoding="utf-8")))
    rows = planted_rows(SimpleNamespace(GetAttribute=lambda _name: truth), found)
    right = 0
    for row in rows:
        told = row.told.partition(": ")[2].partition(",")[0]
        right += told == WORDS[row.fate]
        print(f"{row.what}: {row.fate}, {row.sizes}; told {row.told}")
    pairs = {row.told.partition(":")[0] for row in rows}
    print(f"{right} of {len(rows)} fates told right, {len(found.intervals[-1].pairs) - len(pairs)} pairs that are none")


if __name__ == "__main__":
    sys.exit(main())
