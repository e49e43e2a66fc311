"""Benchmark: each network of the lung analysis on one tile, by PyTorch in float32, as it runs here, and by OpenVINO.

``python Testing/benchmarks/lung_network_speed.py [--tile N] [--repeats N]``; nothing is asserted. The median
counts; the time OpenVINO takes to prepare a network is told beside it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch
from torch import nn

from LungNoduleAILib.anatomy.learned import prediction
from LungNoduleAILib.anatomy.learned.prediction import STRUCTURE_COUNT, load_network
from LungNoduleAILib.detection.detector_file import SHIPPED, read_detector
from LungNoduleAILib.detection.heatmap_network import Probabilities
from LungNoduleAILib.parenchyma import pattern_map
from ThoraxAILib.networks.device import OPENVINO
from ThoraxAILib.networks.precision import choose_precision
from ThoraxAILib.networks.tiles import predictor


def main() -> int:
    """Time every network every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tile", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    hu = np.random.default_rng(1).normal(-700.0, 300.0, (arguments.tile,) * 3).astype(np.float32)
    print(
        f"one tile of {arguments.tile}^3 voxels, {torch.get_num_threads()} threads; seconds, and as a ratio to "
        "PyTorch in float32"
    )
    for name, network in networks().items():
        ways, prepared = ways_for(network, hu)
        print_row(name, {way: median_seconds(run, arguments.repeats) for way, run in ways.items()}, prepared)
    return 0


def networks() -> dict[str, nn.Module]:
    """The shipped networks of an analysis as it runs them."""
    detector, _calibration, _sha256 = read_detector(SHIPPED)
    found: dict[str, nn.Module] = {name: Probabilities(network).eval() for name, network in detector.items()}
    found["anatomy"] = load_network(prediction.WEIGHTS, prediction.SCHEMA, prediction.MAKER, STRUCTURE_COUNT)
    found["patterns"] = load_network(
        pattern_map.WEIGHTS, pattern_map.SCHEMA, pattern_map.MAKER, len(pattern_map.PATTERNS)
    )
    return found


def ways_for(network: nn.Module, hu: np.ndarray) -> tuple[dict[str, Callable[[], object]], float | None]:
    """Functions that each answer one tile, and the seconds OpenVINO took to prepare; None where it is absent."""
    tile = torch.from_numpy(hu)[None, None]
    here = choose_precision("cpu")
    precisions = {
        "PyTorch float32": choose_precision("cpu", full=True),
        f"PyTorch {str(here.dtype).removeprefix('torch.')}": here,
    }
    if find_spec("openvino") is not None:
        precisions["OpenVINO"] = choose_precision(OPENVINO)
    ways, prepared = {}, None
    for way, precision in precisions.items():
        started = time.perf_counter()
        ways[way] = partial(predictor(precision.placed(network), tuple(tile.shape), precision), tile)
        prepared = time.perf_counter() - started if precision.device == OPENVINO else None
    return ways, prepared


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """The median of some runs after one that is not counted."""
    run()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken))


def print_row(name: str, seconds: dict[str, float], prepared: float | None) -> None:
    """One network's line."""
    first = next(iter(seconds.values()))
    cells = "  ".join(f"{way} {taken:.3f} ({taken / first:.2f})" for way, taken in seconds.items())
    print(f"{name:<10}{cells}" + ("" if prepared is None else f"  prepared in {prepared:.2f}"), flush=True)


if __name__ == "__main__":
    sys.exit(main())
