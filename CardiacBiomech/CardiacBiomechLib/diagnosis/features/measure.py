"""The features of one study by name: volumes and ratios, thickness, and what the motion does to regions of the wall.

The wall is cut into six sectors around the long axis ("sectors") or the 16 AHA segments ("aha"). Per region and frame
the energy terms are mean, standard deviation, 10th and 90th percentile over the wall's voxels: shear
(I1 J^(-2/3) - 3)/2 and bulk (J - 1)^2/2 of the Neo-Hookean energy for unit moduli. At end-systole F is the motion from
end-diastole; at end-diastole it is its inverse, the motion back, at the same tissue. The apparent stiffness index is
relative (mean 1).
"""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.diagnosis.features.catalog import SECTORS, SEGMENTS
from CardiacBiomechLib.diagnosis.features.published_thickness import published_thickness
from CardiacBiomechLib.mechanics.aha import HeartAxes, segment_at
from CardiacBiomechLib.mechanics.stiffness import apparent_stiffness, inverse_of
from CardiacBiomechLib.mechanics.strain import strain_along_axes
from CardiacBiomechLib.mechanics.thickness import SECTORS as ANGLES
from CardiacBiomechLib.mechanics.thickness import thickness_mm
from CardiacBiomechLib.mechanics.wall_motion import gradient_at, wall_of
from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.deformation.elasticity import determinant, isochoric_term
from ThoraxAILib.registration.field import Field

DENSITY_G_ML = 1.05
REGIONS = {"sectors": SECTORS, "aha": SEGMENTS}
BULK_RATIO = 5.0  # kappa to mu of the stiffness index, as in the motion's prior
MIN_VOXELS = 8


def volume_features(
    lv_ml: tuple[float, float],
    rv_ml: tuple[float, float] | None,
    wall_ml: tuple[float, float],
    surface_m2: float | None = None,
) -> dict[str, float]:
    """Return volumes (end-diastole, end-systole), ejection fractions, ratios, mass, and indices by body surface."""
    found = {
        "lv_edv_ml": lv_ml[0],
        "lv_esv_ml": lv_ml[1],
        "wall_edv_ml": wall_ml[0],
        "wall_esv_ml": wall_ml[1],
        "lv_ef_percent": _ejection_percent(lv_ml),
        "wall_lv_edv_ratio": _ratio(wall_ml[0], lv_ml[0]),
        "wall_lv_esv_ratio": _ratio(wall_ml[1], lv_ml[1]),
        "lv_mass_g": wall_ml[0] * DENSITY_G_ML,
    }
    if rv_ml is not None:
        found |= {
            "rv_edv_ml": rv_ml[0],
            "rv_esv_ml": rv_ml[1],
            "rv_ef_percent": _ejection_percent(rv_ml),
            "lv_rv_edv_ratio": _ratio(lv_ml[0], rv_ml[0]),
            "lv_rv_esv_ratio": _ratio(lv_ml[1], rv_ml[1]),
        }
    if surface_m2 is not None:
        for side in ("lv", "rv") if rv_ml is not None else ("lv",):
            found[f"{side}_edv_index_ml_m2"] = found[f"{side}_edv_ml"] / surface_m2
            found[f"{side}_esv_index_ml_m2"] = found[f"{side}_esv_ml"] / surface_m2
        found["lv_mass_index_g_m2"] = found["lv_mass_g"] / surface_m2
    return found


def thickness_features(
    labels: tuple[Volume, Volume], parts: HeartLabels, axes: HeartAxes, regions: str = "sectors"
) -> dict[str, float]:
    """Return the published thickness of both frames and, by region, mean, spread and percentiles of thickness."""
    found: dict[str, float] = {}
    angles = (np.arange(ANGLES) + 0.5) * 360.0 / ANGLES
    rings = axes.rings if regions == "aha" else np.zeros(len(axes.slices), dtype=int)
    where = np.stack([segment_at(angles, np.full(ANGLES, ring)) for ring in rings])
    for frame, volume in zip(("ed", "es"), labels, strict=True):
        found |= published_thickness(volume, parts, frame)
        thick = thickness_mm(volume, parts, axes)
        for number, region in enumerate(REGIONS[regions], 1):
            values = thick[(where == number) & np.isfinite(thick)]
            if len(values):
                found |= _statistics(f"thickness_{frame}_{region}", values, "_mm")
    return found


def motion_features(
    labels_ed: Volume, parts: HeartLabels, axes: HeartAxes, field: Field, regions: str = "sectors"
) -> dict[str, float]:
    """Return motion, strain and energy by region; ``field`` has end-diastole (the labels' grid) fixed, ES moving."""
    wall = wall_of(labels_ed, parts, axes)
    points = labels_ed.ras_from_kji(np.argwhere(wall))
    F = gradient_at(field, wall)
    way_mm = np.linalg.norm(field.displacement_ras_mm[wall], axis=-1)
    strains = strain_along_axes(F, axes.local_axes(points))
    energies = {"es": _energy_terms(F), "ed": _energy_terms(inverse_of(F))}
    found = {
        f"strain_{name}_es": float(values.mean())
        for name, values in zip(("radial", "circumferential", "longitudinal"), strains, strict=True)
    }
    number_at = (
        axes.segment_of(points) if regions == "aha" else segment_at(axes.angle_degrees(points), np.zeros(1, int))
    )
    shown = [n for n in range(1, len(REGIONS[regions]) + 1) if (number_at == n).sum() >= MIN_VOXELS]
    for number in shown:
        region, here = REGIONS[regions][number - 1], number_at == number
        found |= _statistics(f"motion_{region}", way_mm[here], "_mm")
        for frame, (shear, bulk) in energies.items():
            found |= _statistics(f"shear_{frame}_{region}", shear[here])
            found |= _statistics(f"bulk_{frame}_{region}", bulk[here])
        found[f"strain_radial_es_{region}"] = float(strains[0, here].mean())
        found[f"strain_circumferential_es_{region}"] = float(strains[1, here].mean())
    return found | _stiffness(F, number_at, shown, REGIONS[regions])


def _stiffness(F: np.ndarray, number_at: np.ndarray, shown: list[int], names: tuple[str, ...]) -> dict[str, float]:
    if len(shown) < 2:
        return {}
    inside = np.isin(number_at, shown)
    order = np.searchsorted(shown, number_at[inside])
    index = apparent_stiffness(F[:, :, inside], np.ones(int(inside.sum())), order, BULK_RATIO).index
    return {f"stiffness_{names[number - 1]}": float(value) for number, value in zip(shown, index, strict=True)}


def _energy_terms(F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    change = determinant(F) - 1.0
    return 0.5 * isochoric_term(F), 0.5 * change * change


def _statistics(name: str, values: np.ndarray, unit: str = "") -> dict[str, float]:
    low, high = np.percentile(values, (10, 90))
    numbers = {"mean": values.mean(), "sd": values.std(), "p10": low, "p90": high}
    return {f"{name}_{statistic}{unit}": float(value) for statistic, value in numbers.items()}


def _ejection_percent(volumes_ml: tuple[float, float]) -> float:
    return 100.0 * _ratio(volumes_ml[0] - volumes_ml[1], volumes_ml[0])


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")
