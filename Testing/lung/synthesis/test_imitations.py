"""What imitates nodules in a synthetic body shows what it belongs to, so that a reader can tell it from one."""

import numpy as np
import pytest
from scipy import ndimage

from LungNoduleAILib.model.anatomy import AIRWAY
from LungNoduleAILib.synthesis.body.make import make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.model.structures import OTHER_BONE

SPACING_MM = 4.0
SEEDS = {"training": (2003, 2006), "held-out": (2005, 2009)}


@pytest.fixture(scope="module", params=list(SEEDS))
def bodies(request: pytest.FixtureRequest) -> list[Body]:
    """Some bodies of one setting."""
    return [make_body(seed, request.param, (SPACING_MM,) * 3) for seed in SEEDS[request.param]]


def depths_mm(bodies: list[Body], kind: str, structure: int | None = None) -> list[float]:
    """How far each imitation of a kind lies in the lungs, or away from a structure."""
    found = []
    for body in bodies:
        mask = body.structures != structure if structure is not None else (body.labels > 0) & (body.labels < AIRWAY)
        distance = ndimage.distance_transform_edt(mask, body.grid.spacing_kji_mm)
        for one in (negative for negative in body.negatives if negative.kind == kind):
            at = np.rint(body.grid.frame_mm(np.array(one.center_ras_mm)) / body.grid.spacing_kji_mm).astype(int)
            found.append(float(distance[tuple(np.clip(at, 0, np.array(distance.shape) - 1))]))
    return found


def test_a_hilar_node_lies_in_the_tissue_of_the_hilum_not_free_in_the_lung(bodies):
    depths = depths_mm(bodies, "hilar node")
    assert depths
    assert max(depths) < 0.35 * 8 + 2 * SPACING_MM


def test_a_bony_spur_sits_on_a_rib(bodies):
    gaps = depths_mm(bodies, "bone spur", OTHER_BONE)
    assert gaps
    assert max(gaps) < 8 + 4 + SPACING_MM
