"""What the presets promise on the honest phantom: flat myocardium, 7.5 mm slices, known motion."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from cardiac_phantom import CASES, TOP_MM, TUBE, Pair, instance

from CardiacBiomechLib.motion.presets import PRESETS
from CardiacBiomechLib.synthesis.cine import acquire
from CardiacBiomechLib.synthesis.scoring import score


def scored(preset: str, case: str):
    """Errors of a preset on one draw of a case."""
    pair = Pair(tuple(acquire(TUBE, CASES[case], np.array([0.0, 1.0]), 0)))
    return score(instance(PRESETS[preset])(pair), TUBE, pair.frames, TOP_MM)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["balanced", "strain"])
def test_motion_and_strain_are_true_on_thick_slices_without_texture(preset):
    found = scored(preset, "untextured-7.5mm")
    assert found.epe_mean_mm <= 1.5
    assert found.ecc_error <= 0.025
    assert found.err_error <= 0.11
    assert abs(found.wall_j_mean - 1.0) <= 0.06
    assert found.wall_j_sd <= 0.06
    assert found.folded_percent == found.folded_cells_percent == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["balanced", "strain"])
def test_motion_is_followed_where_the_tissue_has_texture(preset):
    found = scored(preset, "textured-iso")
    assert found.epe_mean_mm <= 0.35
    assert found.ecc_error <= 0.015
