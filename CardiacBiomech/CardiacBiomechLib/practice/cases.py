"""The cases of the practice: an endless supply of synthetic cines, each with its truth, one per seed and difficulty.

Harder cases have more noise, slices that do not fit each other, more frames, and a cine that begins anywhere in the
cycle, so that no frame number gives end-diastole away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from CardiacBiomechLib.diagnosis.features.from_labels import label_features
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.practice.reading import Reading, Truth
from CardiacBiomechLib.practice.reasons import true_reasons
from CardiacBiomechLib.synthesis.anatomy import labels_at
from CardiacBiomechLib.synthesis.cine import Scanner, acquire, phase_curve
from CardiacBiomechLib.synthesis.groups import GROUPS
from CardiacBiomechLib.synthesis.people import draw_person
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.practice.score_book import DIFFICULTIES, EASY, HARD, MEDIUM

SHAPE_KJI, SPACING_KJI_MM = (14, 92, 92), (10.0, 2.0, 2.0)
CENTER_RAS_MM = (0.0, 0.0, -26.0)
HEIGHT_CM, MOSTELLER = 175.0, 3600.0  # a height for everybody; the weight makes the body surface
GRAY_VALUES = 600.0  # of blood


@dataclass(frozen=True)
class _Hardness:
    """What a difficulty changes."""

    frames: int
    signal_to_noise: float
    slice_shift_mm: float
    bias: float
    organs: float
    begins_anywhere: bool


_HARDNESS = {
    EASY: _Hardness(14, 30.0, 0.0, 0.0, 0.4, False),
    MEDIUM: _Hardness(16, 18.0, 1.0, 0.1, 0.6, True),
    HARD: _Hardness(18, 10.0, 2.5, 0.25, 0.8, True),
}


class PracticeCase(Protocol):
    """A case: the trainee gets ``cine()`` and ``person`` alone, the truth after the reading is locked."""

    @property
    def person(self) -> Person:
        """Height and weight, as far as they are known."""

    def cine(self) -> Cine:
        """Return the images."""

    def truth(self) -> Truth:
        """Return what is true of them."""


@dataclass(frozen=True, eq=False)
class SyntheticCase:
    """A heart whose motion is known exactly; ``phases`` holds the share of the full motion in every frame."""

    seed: int
    group: str
    heart: Ventricle
    person: Person
    scanner: Scanner
    phases: np.ndarray

    def cine(self) -> Cine:
        """Return the images in whole gray values; takes seconds."""
        frames = acquire(self.heart, self.scanner, self.phases, self.seed)
        return Cine(tuple(_whole_values(frame.image) for frame in frames))

    def truth(self) -> Truth:
        """Return frames of least and most motion, and the volumes of the exact outlines of all slices there."""
        ed, es = int(self.phases.argmin()), int(self.phases.argmax())
        features = label_features(self._labels(ed), self._labels(es), ACDC, self.person.surface_m2)
        reading = Reading(ed + 1, es + 1, round(features["lv_ef_percent"], 1), self.group)
        why = true_reasons(self.group, features, self.heart.infarct)
        return Truth(reading, len(self.phases), True, "synthetic heart", why, features)

    def _labels(self, frame: int) -> Volume:
        grid = self.scanner.grid()
        moved = self.heart.at_phase(float(self.phases[frame]))
        return grid.volume(labels_at(self.heart, moved.inverse(grid.centers_ras_mm())))


def make_practice_case(
    seed: int,
    difficulty: str = MEDIUM,
    shape_kji: tuple[int, int, int] = SHAPE_KJI,
    spacing_kji_mm: tuple[float, float, float] = SPACING_KJI_MM,
) -> SyntheticCase:
    """Return the case of a seed: same arguments, same case. Raises InputError for another difficulty."""
    if difficulty not in DIFFICULTIES:
        raise InputError(f"The difficulty {difficulty!r} is not known: use {', '.join(DIFFICULTIES)}.")
    how = _HARDNESS[difficulty]
    random = np.random.default_rng([seed, 91, DIFFICULTIES.index(difficulty)])
    group = str(random.choice(list(GROUPS)))
    heart, surface_m2 = draw_person(group, random)
    phases = phase_curve(how.frames, float(random.uniform(0.3, 0.42)))
    if how.begins_anywhere:
        phases = np.roll(phases, int(random.integers(how.frames)))
    scanner = Scanner(
        shape_kji,
        spacing_kji_mm,
        CENTER_RAS_MM,
        signal_to_noise=how.signal_to_noise,
        slice_shift_mm=how.slice_shift_mm,
        bias=how.bias,
        organs=how.organs,
        samples_per_slice=2,
    )
    person = Person(HEIGHT_CM, round(surface_m2**2 * MOSTELLER / HEIGHT_CM, 1))
    return SyntheticCase(seed, group, heart, person, scanner, phases)


def _whole_values(image: Volume) -> Volume:
    return image.with_array(np.rint(GRAY_VALUES * image.array).astype(np.int16))
