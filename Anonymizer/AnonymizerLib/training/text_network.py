"""The recipe of the shipped detector of burned-in text: invented captures, a small network, one run with a seed.

    python -m AnonymizerLib.training.text_network OUT.npz --grounds FOLDER --fonts FOLDER --minutes 15

``--grounds`` holds real slices (DICOM or NumPy) without writing; half of the grounds are invented.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from AnonymizerLib.letters.text_network import DILATIONS, STRIDE, evened
from AnonymizerLib.training.captures import Letters, make_capture, procedural_ground

SIDE = 256
CHANNELS = (16, 32)
HELD_OUT_FONTS = ("DejaVuSerif", "DejaVuSansMono", "LiberationSerif", "FreeSerif", "NotoSerif-")  # they judge
SCRIPT_FONTS = {
    "latin": ("DejaVuSans", "Liberation", "FreeSans", "FreeMono", "NotoSans-"),
    "greek": ("DejaVuSans", "FreeSans"),
    "cyrillic": ("DejaVuSans", "LiberationSans", "FreeSans"),
    "arabic": ("NotoSansArabic", "DejaVuSans.", "DejaVuSans-Bold."),
    "hebrew": ("NotoSansHebrew",),
    "han": ("wqy-microhei",),
    "kana": ("wqy-microhei",),
}


def find_fonts(folder: Path, held_out: bool = False) -> dict[str, list[Path]]:
    """Fonts by script below a folder; the held-out ones are those that training never saw."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".ttf", ".ttc", ".otf"))
    found: dict[str, list[Path]] = {"bitmap": [Path()]}
    for script, beginnings in SCRIPT_FONTS.items():
        if held_out:
            is_latin_like = script in ("latin", "greek", "cyrillic")
            paths = [path for path in files if is_latin_like and path.name.startswith(HELD_OUT_FONTS)]
        else:
            paths = [path for path in files if path.name.startswith(beginnings)]
            paths = [path for path in paths if not path.name.startswith(HELD_OUT_FONTS)]
        if script == "latin" and not held_out:
            paths.append(Path())  # Pillow's own font
        if paths:
            found[script] = paths
    return found


def read_grounds(folder: Path, most: int, seed: int) -> list[np.ndarray]:
    """Real slices below a folder as gray values 0..255, in windows drawn at random."""
    import pydicom
    from PIL import Image

    random = np.random.default_rng(seed)
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".dcm", ".npz", ".png", ".jpg", ".tif"))
    grounds = []
    for path in random.permutation(np.array(paths, object))[:most]:
        if path.suffix == ".npz":
            with np.load(path) as stored:
                values = stored["hu"][len(stored["hu"]) // 2].astype(np.float32)
        elif path.suffix != ".dcm":
            values = np.asarray(Image.open(path).convert("L"), np.float32)
        else:
            values = np.asarray(pydicom.dcmread(path).pixel_array, np.float32)
        if values.ndim != 2:
            continue
        low, high = np.percentile(values, (random.uniform(0, 30), random.uniform(80, 100)))
        grounds.append(np.clip((values - low) * 255 / max(high - low, 1), 0, 255).astype(np.uint8))
    return grounds


def sample(letters: Letters, grounds: list[np.ndarray], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One picture as the network is given it, and the share of each cell that writing covers."""
    if grounds and random.random() < 0.5:
        ground = _piece(grounds[int(random.integers(0, len(grounds)))], random)
    else:
        ground = procedural_ground(random, (SIDE, SIDE))
    lines = 0 if random.random() < 0.4 else int(random.integers(1, 7))
    capture = make_capture(ground.astype(np.float32), letters, random, lines)
    area = ndimage.binary_dilation(capture.letters > 0, iterations=3)
    share = area.reshape(SIDE // STRIDE, STRIDE, SIDE // STRIDE, STRIDE).mean(axis=(1, 3))
    return evened(capture.picture), share.astype(np.float32)


def _piece(ground: np.ndarray, random: np.random.Generator) -> np.ndarray:
    zoom = float(random.choice([1, 1, 2]))
    piece = ndimage.zoom(ground.astype(np.float32), zoom, order=1) if zoom != 1 else ground
    piece = np.pad(piece, [(0, max(SIDE - size, 0)) for size in piece.shape], mode="reflect")
    top, left = (int(random.integers(0, size - SIDE + 1)) for size in piece.shape)
    piece = np.rot90(piece[top : top + SIDE, left : left + SIDE], int(random.integers(0, 4)))
    return 255 - piece if random.random() < 0.2 else piece


def build_network() -> Any:
    """Build the network of ``TextNetwork`` in torch."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first, second = CHANNELS
            self.first = nn.Conv2d(2, first, 3, 2, 1)
            self.second = nn.Conv2d(first, second, 3, 2, 1)
            self.middle = nn.ModuleList(nn.Conv2d(second, second, 3, 1, d, d) for d in DILATIONS)
            self.last = nn.Conv2d(second, 1, 1)

        def forward(self, values):
            values = self.first(values).relu()
            values = self.second(values).relu()
            for layer in self.middle:
                values = values + layer(values).relu()
            return self.last(values)

        def layers(self) -> list:
            return [self.first, self.second, *self.middle, self.last]

    return Net()


def save(network: Any, path: Path) -> None:
    """Write the weights as half precision numbers."""
    arrays = {}
    for number, layer in enumerate(network.layers()):
        arrays[f"weight{number}"] = layer.weight.detach().numpy().astype(np.float16)
        arrays[f"bias{number}"] = layer.bias.detach().numpy().astype(np.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


class Samples:
    """An endless stream of samples; every loading process draws its own."""

    def __init__(self, grounds: list[np.ndarray], fonts: dict[str, list[Path]], seed: int) -> None:
        self.grounds, self.fonts, self.seed = grounds, fonts, seed

    def batches(self, size: int, worker: int = 0):
        """Batches for ever."""
        random, letters = np.random.default_rng([self.seed, worker]), Letters(self.fonts)
        while True:
            pairs = [sample(letters, self.grounds, random) for _ in range(size)]
            yield np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])[:, None]


def _fill(samples: Samples, size: int, worker: int, queue: Any) -> None:
    for batch in samples.batches(size, worker):
        queue.put(batch)


def train(
    samples: Samples, path: Path, minutes: float, seed: int, size: int = 12, workers: int = 2, begin: Path | None = None
) -> None:
    """Train for a time, with the learning rate falling to zero over it; write the weights every minute."""
    import multiprocessing

    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    network = build_network()
    if begin is not None:
        with np.load(begin) as stored:
            for number, layer in enumerate(network.layers()):
                layer.weight.data = torch.from_numpy(stored[f"weight{number}"].astype(np.float32))
                layer.bias.data = torch.from_numpy(stored[f"bias{number}"].astype(np.float32))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-4)
    context = multiprocessing.get_context("fork")
    queue = context.Queue(8)
    helpers = [
        context.Process(target=_fill, args=(samples, size, number, queue), daemon=True) for number in range(workers)
    ]
    for helper in helpers:
        helper.start()
    start, step, shown, mean = time.monotonic(), 0, 0.0, 0.0
    while (spent := (time.monotonic() - start) / 60) < minutes:
        part = spent / minutes
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min((step + 1) / 100, 1) * 0.5 * (1 + np.cos(np.pi * part))
        values, share = queue.get()
        target = torch.from_numpy(share)
        is_sure = (target > 0.5) | (target < 0.02)  # the rim of writing is left open
        score = network(torch.from_numpy(values))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            score, (target > 0.5).float(), weight=is_sure.float(), pos_weight=torch.tensor(2.0)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step, mean = step + 1, 0.98 * mean + 0.02 * float(loss.detach())
        if spent - shown > 1:
            shown = spent
            print(f"{spent:.1f} min, step {step}, loss {mean / (1 - 0.98**step):.4f}", flush=True)
            save(network, path)
    save(network, path)
    for helper in helpers:
        helper.terminate()


def main() -> None:
    """Train with the options given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--grounds", type=Path, action="append", default=[])
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--begin", type=Path, help="weights to go on from")
    options = parser.parse_args()
    grounds = [ground for folder in options.grounds for ground in read_grounds(folder, 150, options.seed)]
    samples = Samples(grounds, find_fonts(options.fonts), options.seed)
    train(samples, options.output, options.minutes, options.seed, begin=options.begin)


if __name__ == "__main__":
    main()
