"""What a reader could annotate in a synthetic chest: nodules in the lung, and disease that looks like one."""

import numpy as np

from LungNoduleAILib.synthesis.model.structures import GROUND_GLASS
from LungNoduleAILib.synthesis.nodules.annotatable import ground_glass_patches, lies_in_lung
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from ThoraxAILib.image.grid import Grid


def test_a_nodule_painted_into_the_wall_cannot_be_annotated_unless_it_is_calcified():
    structures = np.zeros((30, 30, 30), np.uint8)
    structures[:, :, 15:] = 1  # the patient's left
    grid = Grid.around(np.zeros(3), (1.0, 1.0, 1.0), structures.shape)
    inside, outside = (PlantedNodule((right_mm, 0.0, 0.0), (5.0, 5.0, 5.0)) for right_mm in (-8.0, 8.0))
    assert lies_in_lung(structures, grid, inside)
    assert not lies_in_lung(structures, grid, outside)
    assert lies_in_lung(structures, grid, PlantedNodule((8.0, 0.0, 0.0), (5.0, 5.0, 5.0), "calcified"))


def test_round_patches_of_disease_are_found_with_place_and_size_flat_ones_are_not():
    patterns = np.zeros((60, 60, 60), np.uint8)
    k, j, i = np.ogrid[:60, :60, :60]
    patterns[(k - 20) ** 2 + (j - 30) ** 2 + (i - 40) ** 2 < 36] = GROUND_GLASS
    patterns[50:52, 5:55, 5:55] = GROUND_GLASS
    grid = Grid.around(np.zeros(3), (1.0, 1.0, 2.0), patterns.shape)
    (patch,) = ground_glass_patches(patterns, grid)
    np.testing.assert_allclose(grid.frame_mm(np.array(patch.center_ras_mm)), (40.0, 30.0, 40.0), atol=0.01)
    assert abs(patch.diameter_mm - (2 * 6.0**3 * 8) ** (1 / 3)) < 0.5
