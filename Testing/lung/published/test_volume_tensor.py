"""A volume is interpolated piece by piece to what MONAI's own transform makes of it at once."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("monai")

from monai.transforms import Spacing

from LungNoduleAILib.published.volume_tensor import as_meta_tensor, towards_ras, with_spacing
from ThoraxAILib.image.volume import Volume


def volume(turned_deg: float, spacing_mm: tuple[float, float, float]) -> Volume:
    angle = np.radians(turned_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([-1.0, -1.0, 1.0]) * spacing_mm
    matrix[:3, 3] = (12.0, -30.0, 55.0)
    return Volume(np.random.default_rng(1).normal(-500, 300, (9, 60, 70)).astype(np.int16), matrix)


@pytest.mark.parametrize("turned_deg", [0.0, 17.0])
@pytest.mark.parametrize("spacing_mm", [(0.6, 0.8, 3.0), (0.703125, 0.703125, 1.25)])
def test_pieces_make_what_monai_makes_at_once(turned_deg, spacing_mm):
    image = towards_ras(as_meta_tensor(volume(turned_deg, spacing_mm)))
    at_once = Spacing(pixdim=(0.703125, 0.703125, 1.25), mode="bilinear")(image)
    in_pieces = with_spacing(image, (0.703125, 0.703125, 1.25))
    assert in_pieces.shape == at_once.shape
    assert np.asarray(in_pieces.affine) == pytest.approx(np.asarray(at_once.affine), abs=1e-9)
    assert in_pieces.numpy() == pytest.approx(at_once.numpy(), abs=1e-3)
