"""Seconds of one ED-ES pair of 128x128x16 voxels by every engine, wall and processor time, after one warm-up.

Usage: python Testing/benchmarks/cardiac_speed.py [--threads N] [--repeats N] [--presets NAME...]
       [--engines NAME...]
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from CardiacBiomechLib.model.heart_labels import ACDC, HeartTissue
from CardiacBiomechLib.motion.cascade_engine import SHIPPED_WEIGHTS
from CardiacBiomechLib.motion.engines import NAMES, make_engine
from CardiacBiomechLib.motion.presets import PRESETS
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.scoring import score
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.jobs.progress import Progress


def main() -> None:
    """Time every engine on the same pair and print its accuracy beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=list(PRESETS))
    parser.add_argument("--engines", nargs="+", default=list(NAMES), choices=list(NAMES))
    arguments = parser.parse_args()
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(arguments.threads)
    heart, scanner = Ventricle(), Scanner((16, 128, 128), (8.0, 1.4, 1.4), organs=0.7)
    still, moved = acquire(heart, scanner, np.array([0.0, 1.0]), seed=77)
    tissue = HeartTissue(still.labels.array, ACDC)
    print(f"load average {os.getloadavg()[0]:.1f}, {arguments.threads} threads of {os.cpu_count()}")
    for preset in arguments.presets:
        for name in arguments.engines:
            if "cascade" in name and not SHIPPED_WEIGHTS.is_file():
                continue
            runs = []
            for _ in range(arguments.repeats + 1):
                wall, cpu = time.perf_counter(), time.process_time()
                chosen = make_engine(name, preset, threads=arguments.threads)
                found = chosen.register(still.image, moved.image, tissue, Progress())
                runs.append((time.perf_counter() - wall, time.process_time() - cpu))
            wall, cpu = np.min(runs[1:], axis=0)
            result = score(found.field, heart, (still, moved))
            print(
                f"{preset:7s} {name:17s} {wall:6.2f} s  processor {cpu:6.2f} s  EPE {result.epe_mean_mm:.2f} mm  "
                f"wall Dice {result.wall_dice:.3f}  J {result.wall_j_mean:.3f} SD {result.wall_j_sd:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
