"""What a nodule looks like in numbers: finite for every outline that a reader can draw."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.measurement.appearance import appearance

SPACING_MM = np.array([1.5, 0.8, 0.8])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 4), (2, 3, 3), (9, 9, 9)])
@pytest.mark.parametrize("around", [0, 3])
def test_a_filled_box_has_finite_numbers_also_where_it_fills_its_patch(shape, around):
    mask = np.pad(np.ones(shape, bool), around)
    hu = np.where(mask, 40, -850).astype(np.int16)
    found = appearance(hu, mask, None, SPACING_MM)
    assert np.isfinite(list(found.values())).all()
    assert found["median_hu"] == pytest.approx(0.4)
