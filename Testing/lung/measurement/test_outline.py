"""A drawn outline is judged with the tissue around it, as the software's outlines are."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.measurement import outline
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.model.anatomy import Anatomy
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume

SHAPE = (24, 24, 24)
MATRIX = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def seen(monkeypatch) -> list:
    """What the appearance was asked of."""
    asked = []
    real = outline.appearance

    def spy(hu, mask, share, spacing):
        asked.append((hu.shape, int(mask.sum()), float(share[mask].mean()), float(np.median(hu[~mask]))))
        return real(hu, mask, share, spacing)

    monkeypatch.setattr(outline, "appearance", spy)
    return asked


@pytest.mark.parametrize(("corner", "patch"), [((9, 9, 9), (17, 17, 17)), ((0, 9, 19), (11, 17, 11))])
def test_the_rim_around_the_outline_is_looked_at_as_far_as_the_image_goes(seen, corner, patch):
    array = np.full(SHAPE, -850, np.int16)
    box = tuple(slice(c, c + 5) for c in corner)
    array[box] = 40
    volume = Volume(array, MATRIX)
    anatomy = Anatomy(np.ones(SHAPE, np.uint8))
    mask = Mask(corner, np.ones((5, 5, 5), bool))
    found = outline.measure_outline(volume, anatomy, LungDepth(volume, anatomy), mask)
    assert seen == [(patch, 125, 1.0, -850.0)]
    assert (found.type, found.volume_mm3) == ("solid", 125.0)
