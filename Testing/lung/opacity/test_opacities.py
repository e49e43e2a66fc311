"""What takes the place of lung is found with place and volume, in chests drawn by hand, and told as verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.analysis.verdicts import chest_verdicts
from LungNoduleAILib.model.anatomy import BONE, LUL, RUL, SPINE, Anatomy
from LungNoduleAILib.model.findings import Finding, QualityNote, Removed
from LungNoduleAILib.opacity.find import find_opacities
from LungNoduleAILib.opacity.opacity import AIR, FLUID, TISSUE, Opacity
from ThoraxAILib.image.volume import Volume

STEP_MM = 3.0
SHAPE = (70, 80, 110)
# RAS mm = (165, 120, -105) at voxel 0; k up, j to the back, i to the left
MATRIX = np.array([[-STEP_MM, 0, 0, 165.0], [0, -STEP_MM, 0, 120.0], [0, 0, STEP_MM, -105.0], [0, 0, 0, 1.0]])


class Drawing:
    """A chest of two ellipsoid lungs in a ring of ribs, a spine behind; diseases are drawn into it.

    ``ribs`` is the radius of the ring: at 1 it lies close to the lungs, beyond there is fat and muscle between.
    """

    def __init__(self, ribs: float = 1.0) -> None:
        k, j, i = np.indices(SHAPE).astype(np.float32)
        self.r, self.a, self.s = 165 - STEP_MM * i, 120 - STEP_MM * j, STEP_MM * k - 105
        self.right, self.left = (self._lung(side) for side in (1, -1))
        ring = np.hypot(self.r / 140, self.a / 100) / ribs
        self.hu = np.where(ring < 1.15, 45.0, -1000.0).astype(np.float32)
        self.structures = np.where(ring < 1.15, 12, 0).astype(np.uint8)
        self.hu[self.right | self.left] = -850
        self.structures[(ring > 1.0) & (ring < 1.06)] = BONE
        self.structures[np.hypot(self.r, self.a + 78) < 20] = SPINE
        self.lost = np.zeros(SHAPE, bool)

    def _lung(self, side: int) -> np.ndarray:
        return ((self.r - side * 75) / 58) ** 2 + (self.a / 90) ** 2 + (self.s / 98) ** 2 < 1

    def fill(self, where: np.ndarray, hu: float, lost: bool = True) -> np.ndarray:
        """Fill lung with HU; ``lost``: the segmenter does not call it lung."""
        region = where & (self.right | self.left)
        self.hu[region] = hu
        if lost:
            self.lost |= region
        return region

    def ball(self, center: tuple[float, float, float], diameter_mm: float) -> np.ndarray:
        r, a, s = center
        return (self.r - r) ** 2 + (self.a - a) ** 2 + (self.s - s) ** 2 < (diameter_mm / 2) ** 2

    def scan(self) -> tuple[Volume, Anatomy]:
        noise = np.random.default_rng(3).normal(0, 8, SHAPE)
        volume = Volume(np.rint(self.hu + noise).astype(np.int16), MATRIX, modality="CT")
        labels = np.where(self.right, RUL, np.where(self.left, LUL, 0)).astype(np.uint8)
        labels[self.lost] = 0
        structures = np.where(labels > 0, labels, np.where(self.right | self.left, 12, self.structures))
        return volume, Anatomy(
            labels, (QualityNote("ok", "Both lungs found.", "info"),), True, structures.astype(np.uint8)
        )


def opacities(drawing: Drawing) -> tuple[Opacity, ...]:
    return find_opacities(*drawing.scan())


def ml(region: np.ndarray) -> float:
    return float(region.sum()) * STEP_MM**3 / 1000


def test_a_healthy_chest_has_no_opacity():
    assert opacities(Drawing()) == ()


@pytest.mark.parametrize("diameter_mm", [45.0, 90.0])
@pytest.mark.parametrize("lost", [True, False])
def test_a_mass_is_found_inside_it_with_about_its_volume(diameter_mm: float, lost: bool):
    drawing = Drawing()
    mass = drawing.fill(drawing.ball((85.0, -20.0, 10.0), diameter_mm), 40, lost)
    (found,) = opacities(drawing)
    assert (found.kind, found.side) == (TISSUE, "right")
    assert drawing.ball((85.0, -20.0, 10.0), diameter_mm).flat[_index(found.center_ras_mm)]
    assert found.volume_ml == pytest.approx(ml(mass), rel=0.3)
    assert found.mean_hu > -100


def test_a_mass_whose_middle_is_as_dark_as_fluid_is_told_whole():
    drawing, center = Drawing(), (75.0, 0.0, 0.0)
    mass = drawing.fill(drawing.ball(center, 50.0), 45.0, lost=False)
    drawing.fill(drawing.ball(center, 34.0), 10.0, lost=False)  # 21 mL, too little to be told as fluid
    (found,) = opacities(drawing)
    assert found.kind == TISSUE
    assert found.holds(center)
    assert found.volume_ml == pytest.approx(ml(mass), rel=0.25)


def test_a_mass_at_a_thick_wall_of_the_chest_leaves_the_wall_out():
    drawing = Drawing(ribs=1.12)
    mass = drawing.fill(drawing.ball((100.0, -10.0, 10.0), 100.0), 40)
    (found,) = opacities(drawing)
    lungs = drawing.right | drawing.left
    assert lungs[found.mask].mean() > 0.9
    assert found.volume_ml == pytest.approx(ml(mass), rel=0.25)


def test_a_layer_of_fluid_behind_the_lung_is_told_as_fluid():
    drawing = Drawing()
    fluid = drawing.fill((drawing.a < -42) & drawing.left & (drawing.s < 40), 8)
    found = [o for o in opacities(drawing) if o.kind == FLUID]
    assert [o.side for o in found] == ["left"]
    assert found[0].volume_ml == pytest.approx(ml(fluid), rel=0.4)


def test_an_airless_lobe_where_the_other_lung_has_air_is_found():
    drawing = Drawing()
    lobe = drawing.fill(drawing.right & (drawing.s > 30), 40)
    assert any(o.kind == TISSUE and lobe.flat[_index(o.center_ras_mm)] for o in opacities(drawing))


def test_air_along_the_front_of_a_lung_is_told_as_air_but_emphysema_is_not():
    drawing = Drawing()
    drawing.fill((drawing.a > 45) & drawing.right, -1000, lost=False)
    assert [o.kind for o in opacities(drawing)] == [AIR]
    drawing = Drawing()
    drawing.hu[drawing.right] = -980
    assert opacities(drawing) == ()


def test_a_chest_with_a_mass_that_no_finding_measures_is_not_ok():
    drawing = Drawing()
    drawing.fill(drawing.ball((85.0, -20.0, 10.0), 90.0), 40)
    volume, anatomy = drawing.scan()
    (note,) = chest_verdicts(find_opacities(volume, anatomy), [], [], (1000.0, 1000.0), volume, anatomy)
    assert (note.code, note.severity) == ("large_opacity", "warning")
    assert "no finding measures" in note.text
    assert QualityNote.from_dict(note.to_dict()) == note
    assert note.volume_ml is not None
    assert f"{note.volume_ml:.0f} mL" in note.text


def test_a_finding_that_measures_an_opacity_is_told_once():
    drawing = Drawing()
    drawing.fill(drawing.ball((85.0, -20.0, 10.0), 90.0), 40)
    volume, anatomy = drawing.scan()
    mass = _finding((85.0, -20.0, 10.0), 90.0, 0.9)
    notes = chest_verdicts(find_opacities(volume, anatomy), [mass], [], (1000.0, 1000.0), volume, anatomy)
    assert [note.code for note in notes] == ["large_opacity"]
    assert mass.id in notes[0].text


def test_a_large_candidate_that_is_not_reported_becomes_a_verdict_where_tissue_is():
    drawing = Drawing()
    drawing.fill(drawing.ball((85.0, -20.0, 10.0), 36.0), 40, lost=False)
    volume, anatomy = drawing.scan()
    dropped = Removed((85.0, -20.0, 10.0), 36.0, 0.17, "confidence 0.17 is below the threshold 0.42")
    notes = chest_verdicts((), [], [dropped], None, volume, anatomy)
    assert [note.code for note in notes] == ["unsure_opacity"]
    assert notes[0].center_ras_mm == dropped.center_ras_mm
    in_air = replace(dropped, center_ras_mm=(-85.0, 20.0, 10.0))
    assert chest_verdicts((), [], [in_air], None, volume, anatomy) == ()


def test_lungs_of_very_unequal_size_are_told():
    volume, anatomy = Drawing().scan()
    notes = chest_verdicts((), [], [], (954.0, 1941.0), volume, anatomy)
    assert [note.code for note in notes] == ["lungs_unequal"]
    assert "right lung holds only 49 %" in notes[0].text
    assert chest_verdicts((), [], [], (2600.0, 2100.0), volume, anatomy) == ()


def _finding(center: tuple[float, float, float], diameter_mm: float, confidence: float) -> Finding:
    low, high = np.array(center) - diameter_mm / 2, np.array(center) + diameter_mm / 2
    return Finding(
        "Mass_01",
        center,
        diameter_mm,
        diameter_mm,
        diameter_mm,
        np.pi / 6 * diameter_mm**3,
        "solid",
        40.0,
        1.0,
        None,
        "right",
        confidence,
        bounds_ras_mm=tuple(float(x) for x in np.stack([low, high], axis=1).ravel()),
    )


def _index(center_ras_mm: tuple[float, float, float]) -> int:
    r, a, s = center_ras_mm
    return int(
        np.ravel_multi_index(
            [round((s + 105) / STEP_MM), round((120 - a) / STEP_MM), round((165 - r) / STEP_MM)], SHAPE
        )
    )
