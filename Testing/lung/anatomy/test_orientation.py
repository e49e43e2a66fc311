"""A chest that its header shows flipped is told by its anatomy, and sides and lobes are withheld."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.analysis.analyze import analyze
from LungNoduleAILib.anatomy.orientation import judge_orientation, orientation_cues
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

K, J, LEFT = 0, 1, 2


@pytest.fixture(scope="module")
def chest() -> Volume:
    return make_small_chest(seed=4, spacing_mm=(3.0, 3.0, 3.0)).volume.in_lps_order()


def flipped(volume: Volume, *axes: int) -> Volume:
    """The same header around voxels in another order, as a converter that forgot a sign writes them."""
    return replace(volume, array=np.ascontiguousarray(np.flip(volume.array, axes)))


FLIPS = {
    "upside down": ((K,), "the lungs taper downwards", "error"),
    "back to front": ((J,), "the spine lies before the lungs", "error"),
    "mirrored": ((LEFT,), "situs inversus, where nothing is wrong", "warning"),
    "turned about the axis to the front": ((K, LEFT), "the lungs taper downwards and heart, aorta", "error"),
    "turned about the long axis": ((J, LEFT), "the spine lies before the lungs and heart, aorta", "error"),
    "turned about the axis to the side": ((K, J), "the spine lies before the lungs and the lungs taper", "error"),
}


@pytest.mark.parametrize(("axes", "words", "severity"), FLIPS.values(), ids=FLIPS)
def test_a_flipped_chest_contradicts_its_orientation(chest, axes, words, severity):
    note = judge_orientation(flipped(chest, *axes).in_lps_order())
    assert note is not None
    assert (note.code, note.severity) == ("contradicts_orientation", severity)
    assert words in note.text


def test_a_chest_as_its_header_says_gets_no_verdict(chest):
    assert judge_orientation(chest) is None
    cues = orientation_cues(chest)
    assert min(cues.front_back, cues.top_bottom, cues.sides) > 0


def test_turning_header_and_voxels_together_changes_nothing(chest):
    turned = replace(
        chest,
        array=np.ascontiguousarray(chest.array[::-1, ::-1]),
        ijk_to_ras=chest.ijk_to_ras
        @ np.array(
            [[1, 0, 0, 0], [0, -1, 0, chest.array.shape[1] - 1], [0, 0, -1, chest.array.shape[0] - 1], [0, 0, 0, 1.0]]
        ),
    )
    assert judge_orientation(turned.in_lps_order()) is None


def test_an_image_without_lungs_is_not_judged():
    noise = np.random.default_rng(0).integers(20, 60, (40, 80, 80)).astype(np.int16)
    assert judge_orientation(Volume(noise, np.diag([-4.0, -4.0, 4.0, 1.0]))) is None


def test_a_mirrored_chest_is_analyzed_without_sides_and_lobes(chest):
    options = AnalysisOptions(detector="classical", anatomy="classical")
    result = analyze(flipped(chest, LEFT), options, Progress(), Stages())
    lungs = result.findings.lungs
    assert lungs.sides_withheld
    assert (lungs.left_ml, lungs.right_ml) == (None, None)
    assert lungs.both_ml > 500
    assert {(finding.lobe, finding.side) for finding in result.findings.findings} <= {(None, None)}
    assert set(np.unique(result.labels)) <= {0, 1, 6}
    assert lungs.in_words() == f"both {lungs.both_ml:.0f} mL, sides withheld"
    assert not any("right" in note.text or "left" in note.text for note in lungs.quality)
