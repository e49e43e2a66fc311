"""Long-axis views: strain and excursion against the exact motion of the analytic ventricle, views beside the apex."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.analysis.long_axis import border_in_view, measure_views
from CardiacBiomechLib.analysis.verdicts import foreshortening_verdict
from CardiacBiomechLib.cine.long_axis import LongAxisView
from CardiacBiomechLib.mechanics.aha import heart_axes
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.motion.engines import choose_motion_engine
from CardiacBiomechLib.synthesis.anatomy import Brightness, brightness_at, labels_at
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.progress import Progress

HEART = Ventricle(longitudinal_stretch=0.92, torsion_rad_per_mm=0.0)
PIXEL_MM = 1.5


def short_axis():
    """Labels of end-diastole on 8 mm slices, and the heart's axes."""
    grid = Grid.around(np.array([0.0, 0.0, -14.0]), (1.5, 1.5, 8.0), (90, 90, 14))
    labels = grid.volume(labels_at(HEART, grid.centers_ras_mm()))
    return labels, heart_axes(labels, ACDC)


def view(beside_mm: float = 0.0, phases=(0.0, 0.5, 1.0, 0.5)) -> LongAxisView:
    """A four-chamber-like view: rows along x, columns along -z, ``beside_mm`` away from the long axis."""
    matrix = np.eye(4)
    matrix[:3, 0] = (PIXEL_MM, 0.0, 0.0)
    matrix[:3, 1] = (0.0, 0.0, -PIXEL_MM)
    matrix[:3, 2] = (0.0, 6.0, 0.0)
    matrix[:3, 3] = (-75.0, beside_mm, 70.0)
    grid = Grid((1, 110, 100), matrix)
    frames = []
    for phase in phases:
        material = HEART.at_phase(phase).inverse(grid.centers_ras_mm())
        frames.append(grid.volume(brightness_at(HEART, material, Brightness()).astype(np.float32)))
    return LongAxisView(tuple(frames), None, 7)


def exact_strain(border: np.ndarray) -> float:
    """Change of a border's length by the exact motion to end-systole."""
    moved = HEART.forward(border)
    before, after = (np.linalg.norm(np.diff(points, axis=0), axis=1).sum() for points in (border, moved))
    return float(after / before - 1.0)


def test_longitudinal_strain_and_excursion_are_those_of_the_exact_motion():
    labels, axes = short_axis()
    shown = view()
    engine = choose_motion_engine("instance", "study").made
    (found,) = measure_views([shown], labels, ACDC, axes, 0.0, engine, Progress())
    border, _ = border_in_view(shown, labels, ACDC, axes)
    assert found.strain[2] == pytest.approx(exact_strain(border), abs=0.03)
    base = border[[0, -1]]
    assert found.mitral_mm[2] == pytest.approx(float((base - HEART.forward(base))[:, 2].mean()), abs=1.5)
    assert found.strain[0] == 0.0


def test_a_view_through_the_apex_is_not_called_foreshortened():
    labels, axes = short_axis()
    (found,) = measure_views([view(1.0, (0.0, 1.0))], labels, ACDC, axes, 0.0, DemonsEngine(), Progress())
    assert found.apical_slices_missed == 0
    assert foreshortening_verdict(7, found.beside_apex_mm, found.apical_slices_missed, axes.slice_mm) == []


def test_a_view_that_passes_beside_the_apex_is_called_foreshortened_with_what_it_misses():
    labels, axes = short_axis()
    (found,) = measure_views([view(16.0, (0.0, 1.0))], labels, ACDC, axes, 0.0, DemonsEngine(), Progress())
    assert found.beside_apex_mm == pytest.approx(16.0, abs=1.0)
    (verdict,) = foreshortening_verdict(7, found.beside_apex_mm, found.apical_slices_missed, axes.slice_mm)
    assert verdict.code == "foreshortened"
    assert "16 mm beside the apex" in verdict.text
    assert verdict.touches == ("long_axis",)
