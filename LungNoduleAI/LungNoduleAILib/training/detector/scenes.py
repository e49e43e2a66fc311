"""The synthetic bodies of a detector training, made once, cut to the lungs and kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from LungNoduleAILib.detection.two_levels import SPACING_MM
from LungNoduleAILib.synthesis.cohort import body_file, load_or_make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.training.detector.patches import COARSE, FINE, Level, Scene, make_scene
from ThoraxAILib.errors import InputError

SPACING = (SPACING_MM, SPACING_MM, SPACING_MM)
LEAST_LUNG_L = 0.3  # less is a scan of something else


class Scenes:
    """Scene ``number`` (0..``bodies`` - 1) of a level; bodies have the seeds from ``seed`` on, kept in ``folder``.

    A body that shows no lungs stands back for the one before it.
    """

    def __init__(self, folder: Path, seed: int, bodies: int) -> None:
        self._folder, self._seed, self._bodies = folder, seed, bodies
        self._kept: dict[tuple[int, str], Scene | None] = {}

    @contextmanager
    def made_ahead(self, jobs: int) -> Iterator[None]:
        """While this runs, ``jobs`` - 1 other processes make the bodies before the training asks for them."""
        if jobs < 2:
            yield
            return
        pool = ProcessPoolExecutor(jobs - 1)
        try:
            for number in range(self._bodies):
                pool.submit(_make, self._seed + number, self._folder)
            yield
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, number: int, level: Level) -> Scene:
        """The scene, read when first asked for; raises InputError when no body shows lungs."""
        for other in range(self._bodies):
            scene = self._scene((number - other) % self._bodies, level)
            if scene is not None:
                return scene
        raise InputError("None of the synthetic bodies shows lungs: take more of them (--bodies).")

    def _scene(self, number: int, level: Level) -> Scene | None:
        if (number, level.name) not in self._kept:
            body = load_or_make_body(self._seed + number, "training", SPACING, self._folder)
            for one in (FINE, COARSE):
                self._kept[number, one.name] = make_scene(body, one, self._seed) if shows_lungs(body) else None
        return self._kept[number, level.name]


def _make(seed: int, folder: Path) -> None:
    if not body_file(seed, "training", SPACING, folder).is_file():
        load_or_make_body(seed, "training", SPACING, folder)


def shows_lungs(body: Body) -> bool:
    """Whether there is enough lung to look for nodules."""
    return body.is_chest and int(((body.labels > 0) & (body.labels < 6)).sum()) >= LEAST_LUNG_L * 1e6 / SPACING_MM**3
