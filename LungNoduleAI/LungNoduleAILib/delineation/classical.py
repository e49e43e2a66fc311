"""The delineator without a network: region growing, held near the detector's size, with the halo around the core."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.delineation.protocol import DELINEATOR, Outline, Site
from LungNoduleAILib.delineation.region import Region, distance_from, grow_region, with_halo
from ThoraxAILib.engines.engine import SUITE_LICENCE, Engine
from ThoraxAILib.image.spheres import sphere_diameter_mm

RULES_VERSION = 1  # raise with every change of what this file or region growing does
CUT_NOTE = "Its border towards denser tissue is not visible and was cut at the detector's size."


class ClassicalDelineator:
    """Half-way threshold between lung and nodule, vessels and wall detached by opening."""

    name = "classical"
    fingerprint = f"regions-{RULES_VERSION}"
    device = "cpu"

    def outline(self, site: Site) -> Outline | None:
        """Return the nodule at a site; see Delineator."""
        patch = site.patch
        region = grow_region(patch.hu, patch.spacing_kji_mm, site.seed_kji, site.candidate.diameter_mm, site.allowed)
        if region is None:
            return None
        region, notes = _within_reach(region, site)
        blur_mm = max(1.2, 0.6 * site.volume.spacing_kji_mm[0])
        return Outline(with_halo(region, patch.hu, patch.spacing_kji_mm, site.allowed, blur_mm), None, notes)


def _within_reach(region: Region, site: Site) -> tuple[Region, tuple[str, ...]]:
    """Return region, grown again inside a ball when it ran far beyond what the detector saw (into wall or hilum)."""
    patch, diameter_mm = site.patch, site.candidate.diameter_mm
    volume_mm3 = region.mask.sum() * float(np.prod(patch.spacing_kji_mm))
    if sphere_diameter_mm(volume_mm3) <= 1.5 * diameter_mm + 3.0:
        return region, ()
    ball = distance_from(site.seed_kji, patch.hu.shape, patch.spacing_kji_mm) <= 0.75 * diameter_mm + 1.0
    again = grow_region(patch.hu, patch.spacing_kji_mm, site.seed_kji, diameter_mm, site.allowed & ball)
    return (again or region), (CUT_NOTE,)


ENGINE = Engine(
    DELINEATOR,
    ClassicalDelineator.name,
    "region growing from the middle of the nodule; no download, CPU",
    SUITE_LICENCE,
    lambda device: ClassicalDelineator(),
    version=ClassicalDelineator.fingerprint,
)
