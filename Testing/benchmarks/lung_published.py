"""Benchmark: our default detector beside MONAI's RetinaNet with random weights, on one volume and the same cores.

``python Testing/benchmarks/lung_published.py [--slices 300] [--size 512] [--tiles N] [--anatomy]``; nothing is
asserted. Random weights suffice for time and memory, not for findings. Each detector runs in a process of its own:
processor seconds (which other work on the machine does not change) and the largest memory. ``--anatomy`` adds MONAI's
SegResNet at 3 mm.

RetinaNet takes more than an hour of a processor. With ``--tiles N`` its network sees only the first N tiles; every
other tile gets the answer of the last of them again, so that all that comes before and after the network is done on the
whole volume, in its whole memory. The time of the network is then that of N tiles, scaled to all: they have one size.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OURS, MONAI, ANATOMY = "learned", "monai-retinanet", "monai-wholebody-3mm"


def main() -> int:
    """Run both, one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--tiles", type=int, default=0, help="tiles that RetinaNet's network really sees (0: all)")
    parser.add_argument("--anatomy", action="store_true")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(measured(arguments.run, arguments.size, arguments.slices, arguments.tiles)))
        return 0
    found = {}
    for name in (OURS, MONAI, *((ANATOMY,) if arguments.anatomy else ())):
        words = [sys.executable, __file__, "--run", name, "--size", str(arguments.size)]
        words += ["--slices", str(arguments.slices), "--tiles", str(arguments.tiles)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
        one = found[name]
        scaled = f", scaled from {one['seen']} of {one['tiles']} tiles" if "tiles" in one else ""
        clock = f"{one['clock']:.1f} s on the clock, {one['mib']:.0f} MiB"
        print(f"{name}: {one['busy']:.1f} s of processor{scaled}, {clock}", flush=True)
    print(f"{MONAI} / {OURS}: {found[MONAI]['busy'] / found[OURS]['busy']:.0f} times the processor time")
    return 0


def measured(name: str, size: int, slices: int, tiles: int) -> dict[str, float]:
    """Seconds and memory of one engine on the synthetic chest of the benchmark of ``lung analyze``."""
    from LungNoduleAILib.analysis.engines import REGISTRY
    from LungNoduleAILib.detection.protocol import DETECTOR
    from LungNoduleAILib.synthesis.test_phantom.small_chest import FIELD_OF_VIEW_MM, make_small_chest
    from ThoraxAILib.jobs.progress import Progress

    in_plane, height = FIELD_OF_VIEW_MM[0] / size, FIELD_OF_VIEW_MM[2] / slices
    chest = make_small_chest(spacing_mm=(in_plane, in_plane, height))
    volume = chest.volume.in_lps_order()
    anatomy = REGISTRY.find("anatomy segmenter", "classical").make("cpu").segment(volume, Progress())
    engine = REGISTRY.find(DETECTOR, OURS).make("cpu") if name == OURS else with_random_weights(name)
    few = FewTiles(engine, tiles) if tiles and name == MONAI else None
    began, busy = time.perf_counter(), time.process_time()
    if name == ANATOMY:
        engine.segment(volume, Progress())
    else:
        engine.detect(volume, anatomy, Progress())
    spent = {"clock": time.perf_counter() - began, "busy": time.process_time() - busy}
    if few is not None:
        spent = {**few.scaled(spent["busy"]), "clock": spent["clock"]}
    return {**spent, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


class FewTiles:
    """Lets RetinaNet's network see the first tiles only, and gives its last answer again for the others."""

    def __init__(self, engine: object, limit: int) -> None:
        self._real, self._limit = engine._network.forward, limit
        self._seconds: list[float] = []
        self._count, self._last = 0, None
        engine._network.forward = self.forward

    def forward(self, image: object) -> object:
        """Answer one tile."""
        from copy import deepcopy

        self._count += 1
        if self._count > self._limit:
            return deepcopy(self._last)
        before = time.process_time()
        self._last = self._real(image)
        self._seconds.append(time.process_time() - before)
        return self._last

    def scaled(self, busy: float) -> dict[str, float]:
        """Processor seconds as if every tile had been seen."""
        per_tile = sum(self._seconds) / len(self._seconds)
        whole = busy + per_tile * (self._count - len(self._seconds))
        return {"busy": whole, "tiles": self._count, "seen": len(self._seconds), "per_tile": per_tile}


def with_random_weights(name: str) -> object:
    """Return an engine of others whose weights are random."""
    import torch

    from LungNoduleAILib.published import retinanet, segresnet
    from LungNoduleAILib.published.monai_anatomy import MonaiWholeBody
    from LungNoduleAILib.published.monai_detector import MonaiRetinaNet

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        network = retinanet.make_network() if name == MONAI else segresnet.make_network()
        torch.save(network.state_dict(), path)
        return MonaiRetinaNet(weights=path) if name == MONAI else MonaiWholeBody(name=name, weights=path)


if __name__ == "__main__":
    sys.exit(main())
