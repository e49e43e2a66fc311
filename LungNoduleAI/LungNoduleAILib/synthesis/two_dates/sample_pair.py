"""The sample pair: one schematic person on two dates, with one nodule of each fate: grown, stable, new, resolved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from LungNoduleAILib.synthesis.two_dates.plan import NoduleLink
from ThoraxAILib.image.tuples import three

DATES = ("20240115", "20240713")
DAYS = 180
COARSE_MM = (8.0, 8.0, 8.0)  # where the nodules of a seed lie does not depend on the voxels
# Number of the nodule among those of the schematic chest, its fate, and its volume then as a share of that now planted
FATES = (
    (1, "grown", 2.2),
    (2, "stable", 1.0),
    (7, "grown", 1.6),
    (3, "stable", 1.0),
    (5, "new", 1.0),
    (4, "resolved", 1.0),
)


@dataclass(frozen=True, eq=False)
class SamplePair:
    """Both scans, and what became of each nodule; ids are the same on both dates."""

    prior: SyntheticCT
    current: SyntheticCT
    links: tuple[NoduleLink, ...]

    def truth(self) -> list[dict]:
        """Return one entry per nodule: id, fate, diameters and volumes of both dates, and where it lies."""
        return [_entry(link, fate) for link, (_, fate, _) in zip(self.links, FATES, strict=True)]


def make_sample_pair(seed: int, spacing_mm: tuple[float, float, float]) -> SamplePair:
    """Return the pair of a seed; the dates are 180 days apart and share no noise."""
    placed = make_small_chest(seed, COARSE_MM).nodules
    links = tuple(_link(placed[number - 1], fate, ratio) for number, fate, ratio in FATES)
    scans = []
    for number, date in enumerate(DATES):
        shown = [nodule for link in links if (nodule := (link.prior, link.current)[number]) is not None]
        made = make_small_chest(seed, spacing_mm, nodules=shown, scan_number=number + 1)
        scans.append(replace(made, volume=_dated(made, date, number)))
    return SamplePair(scans[0], scans[1], links)


def _link(nodule: PlantedNodule, fate: str, ratio: float) -> NoduleLink:
    later = replace(
        nodule,
        semi_axes_mm=three(mm * float(np.cbrt(ratio)) for mm in nodule.semi_axes_mm),
        core_semi_axes_mm=None
        if nodule.core_semi_axes_mm is None
        else three(mm * float(np.cbrt(ratio)) for mm in nodule.core_semi_axes_mm),
    )
    return NoduleLink(nodule.id, None if fate == "new" else nodule, None if fate == "resolved" else later)


def _dated(made: SyntheticCT, date: str, number: int):
    identity = replace(
        made.volume.identity, study_date=date, series_uid=f"{made.volume.identity.series_uid}.{number + 1}"
    )
    return replace(made.volume, identity=identity)


def _entry(link: NoduleLink, fate: str) -> dict:
    sizes = {
        f"{when}_{name}": None if nodule is None else round(getattr(nodule, name), 2)
        for when, nodule in (("prior", link.prior), ("current", link.current))
        for name in ("diameter_mm", "volume_mm3")
    }
    somewhere = link.current or link.prior
    assert somewhere is not None
    ratio = link.volume_ratio
    return {
        "id": link.id,
        "fate": fate,
        "lobe": somewhere.lobe,
        "type": somewhere.type,
        **sizes,
        "volume_change_percent": None if ratio is None else round(100 * (ratio - 1), 1),
        "center_ras_mm": [round(mm, 2) for mm in somewhere.center_ras_mm],
    }
