"""Does the anatomy lie where the header says? Front and back, top and bottom, and the sides, each told on its own.

Nothing here depends on how lungs were segmented, which itself leans on the header: air, bone and soft tissue of about
4 mm are enough. Front and back: the spine, the bone that goes on through all slices, lies behind the middle of the
lungs. Top and bottom: the chest is a cone, and lung tops are domes while lung bases are hollow. Sides: the heart lies
to the left of the spine, the aorta on the left of the vertebrae, the liver under the right lung, and the right lung is
the larger one. Mirrored sides alone are also what situs inversus shows, so they are told without calling it an error.

Measured with ``Testing/benchmarks/lung_orientation.py``; the thresholds lie between the chests and their flips there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.lung_air import find_lung_air
from LungNoduleAILib.anatomy.work_image import WorkImage, make_work_image
from LungNoduleAILib.model.findings import CONTRADICTS_ORIENTATION, QualityNote
from ThoraxAILib.errors import known
from ThoraxAILib.image.volume import Volume

GRID_MM = 4.0
AIR_HU, ROOM_HU = -500.0, -990.0
MIN_LUNG_ML = 300.0  # less air may be that of a bowel
MIN_SHARE, GAS_HU = 0.15, -960.0  # of the largest part; gas of a bowel is darker than a lung with its vessels
BONE_HU = (150.0, 2000.0)
SPINE_BLUR_MM = 6.0
MIN_SPINE = 0.35  # share of the slices in which there is bone where the spine is
SPINE_BEHIND = 0.08  # of the depth of the lungs, between the spine and their middle
UPRIGHT = 0.5  # sum of the two cues of top and bottom, from which they are told
FULL_SIDE_LUNG = 0.15  # of both lungs; a smaller one leaves the sides untold
# A cue of the sides counts fully from: heart mm off the spine, share of tissue beside the vertebra, share of tissue
# under the lung, logarithm of the ratio of the lungs (by half).
HEART_MM, AORTA_SHARE, LIVER_SHARE, RATIO = 20.0, 0.25, 0.3, 0.4
MIRRORED = -1.2  # sum of the cues of the sides
LIVER_OTHER_SIDE, CONTRARY = -0.25, 0.7  # the liver must agree, and no organ may contradict


@dataclass(frozen=True)
class OrientationCues:
    """How far the anatomy agrees with the header: positive agrees, negative contradicts, None cannot be told.

    ``front_back`` is the distance from the middle of the lungs back to the spine, as a share of their depth;
    ``top_bottom`` the sum of cone and domes; ``heart``, ``aorta``, ``liver`` and ``ratio`` lie from -1 to 1.
    """

    front_back: float | None = None
    top_bottom: float | None = None
    heart: float | None = None
    aorta: float | None = None
    liver: float | None = None
    ratio: float | None = None

    @property
    def is_back_to_front(self) -> bool:
        """Whether the spine lies before the lungs."""
        return self.front_back is not None and self.front_back < -SPINE_BEHIND

    @property
    def is_upside_down(self) -> bool:
        """Whether the lungs taper downwards."""
        return self.top_bottom is not None and self.top_bottom < -UPRIGHT

    @property
    def sides(self) -> float | None:
        """Sum of the cues of the sides; None unless the liver and one of heart and aorta can be told."""
        if self.liver is None or (self.heart is None and self.aorta is None):
            return None
        return sum(cue for cue in (self.heart, self.aorta, self.liver, self.ratio) if cue is not None)

    @property
    def is_mirrored(self) -> bool:
        """Whether the organs lie on the other side: most of them say so, the liver too, and none the contrary."""
        organs = [cue for cue in (self.heart, self.aorta, self.liver) if cue is not None]
        return (
            self.sides is not None
            and self.sides <= MIRRORED
            and known(self.liver, "the liver") <= LIVER_OTHER_SIDE
            and max(organs) < CONTRARY
        )

    @property
    def side_is_told(self) -> bool:
        """Whether the organs are clear about the sides, one way or the other."""
        return self.sides is not None and (self.is_mirrored or (self.sides >= -MIRRORED and known(self.liver, "") > 0))


def judge_orientation(volume: Volume) -> QualityNote | None:
    """Return the verdict that the image contradicts its orientation, None when nothing says so.

    ``volume`` is a chest CT in HU with its axes in LPS order.
    """
    cues = orientation_cues(volume)
    found = []
    if cues.is_back_to_front:
        found.append("the spine lies before the lungs")
    if cues.is_upside_down:
        found.append("the lungs taper downwards")
    if cues.is_mirrored:
        found.append("heart, aorta and liver lie on the other side")
    if not found:
        return None
    what = " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
    if found == ["heart, aorta and liver lie on the other side"]:
        return QualityNote(
            CONTRADICTS_ORIENTATION,
            f"The image contradicts its orientation: {what}, as in a mirrored image, or in a person with situs "
            "inversus, where nothing is wrong; sides and lobes are withheld: compare with another image.",
            "warning",
        )
    return QualityNote(
        CONTRADICTS_ORIENTATION,
        f"The image contradicts its orientation: by its header {what}; sides and lobes are withheld: correct the "
        "header, or export the image again.",
        "error",
    )


def orientation_cues(volume: Volume) -> OrientationCues:
    """Return what the anatomy of a chest CT (HU, axes in LPS order) says about its header."""
    work = make_work_image(volume, GRID_MM)
    lung = _lung(work)
    if lung.sum() * work.voxel_mm3 / 1000.0 < MIN_LUNG_ML:
        return OrientationCues()
    spine = _spine(work, lung)
    front_back = None if spine is None else _front_back(lung, spine)
    top_bottom = _top_bottom(lung, work.spacing_kji_mm)
    if spine is None or front_back is None or abs(front_back) < SPINE_BEHIND or abs(top_bottom) < UPRIGHT:
        return OrientationCues(front_back, top_bottom)
    upright = slice(None, None, -1 if top_bottom < 0 else 1)
    facing = slice(None, None, -1 if front_back < 0 else 1)
    chest = _Chest(
        work.hu[upright, facing],
        lung[upright, facing],
        work.spacing_kji_mm,
        work.hu.shape[1] - 1 - spine[0] if front_back < 0 else spine[0],
        spine[1],
    )
    return OrientationCues(front_back, top_bottom, *chest.cues_of_sides())


def _lung(work: WorkImage) -> np.ndarray:
    """Enclosed air of some size, or lung-like air where a field of view cuts it; bool on the work grid."""
    import cc3d

    labels = cc3d.connected_components(work.hu < AIR_HU, connectivity=6)
    voxels = np.bincount(labels.ravel())
    keep = np.bincount(labels.ravel(), work.hu.ravel()) / np.maximum(voxels, 1) > GAS_HU
    for plane in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        keep[np.unique(plane)] = False
    keep[0] = False
    keep &= voxels >= MIN_SHARE * voxels[keep].max(initial=1)
    least = MIN_LUNG_ML * 1000.0 / work.voxel_mm3
    lung = keep[labels]
    if lung.sum() < least:
        lung = find_lung_air(work).mask
    return lung if lung.sum() >= least else _dense_air(work)


def _dense_air(work: WorkImage) -> np.ndarray:
    """Large parts of air that is denser than room and bowel gas, wherever they lie."""
    import cc3d

    labels = cc3d.connected_components((work.hu < AIR_HU) & (work.hu > ROOM_HU), connectivity=6)
    voxels = np.bincount(labels.ravel())
    keep = np.bincount(labels.ravel(), work.hu.ravel()) / np.maximum(voxels, 1) > GAS_HU
    keep[0] = False
    return (keep & (voxels >= MIN_SHARE * voxels[keep].max(initial=1)))[labels]


def _spine(work: WorkImage, lung: np.ndarray) -> tuple[int, int] | None:
    """Return (j, i) of the bone that goes on through the slices of the lungs; None when none does."""
    slices = np.flatnonzero(lung.any(axis=(1, 2)))
    bone = _bone(work.hu[slices[0] : slices[-1] + 1]).mean(axis=0, dtype=np.float64)
    through = ndi.gaussian_filter(bone, SPINE_BLUR_MM / work.spacing_kji_mm[1:])
    j, i = np.unravel_index(through.argmax(), through.shape)
    return (int(j), int(i)) if through[j, i] >= MIN_SPINE else None


def _bone(hu: np.ndarray) -> np.ndarray:
    return (hu > BONE_HU[0]) & (hu < BONE_HU[1])


def _front_back(lung: np.ndarray, spine: tuple[int, int]) -> float:
    rows = np.flatnonzero(lung.any(axis=(0, 2)))
    middle = float((np.arange(lung.shape[1]) * lung.sum(axis=(0, 2))).sum() / lung.sum())
    return float((spine[0] - middle) / (rows[-1] - rows[0] + 1))


def _top_bottom(lung: np.ndarray, spacing_kji_mm: np.ndarray) -> float:
    """Positive for a cone that widens downwards with domed tops and hollow bases."""
    import edt

    slices = np.flatnonzero(lung.any(axis=(1, 2)))
    widths = np.array([_box_area(lung[k]) for k in range(slices[0], slices[-1] + 1)])
    end = max(2, len(widths) // 5)
    cone = float(np.log(max(np.median(widths[:end]), 1.0) / max(np.median(widths[-end:]), 1.0)))
    column = lung.any(axis=0)
    low, high = lung.argmax(axis=0), len(lung) - 1 - lung[::-1].argmax(axis=0)
    spacing = (float(spacing_kji_mm[1]), float(spacing_kji_mm[2]))
    depth_mm = np.minimum(edt.edt(column, anisotropy=spacing, black_border=True), 40.0)
    inner = column & (depth_mm > GRID_MM)
    return cone + 2.0 * (_correlation(depth_mm[inner], high[inner]) + _correlation(depth_mm[inner], low[inner]))


def _box_area(plane: np.ndarray) -> float:
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    return float((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)) if len(rows) else 0.0


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    if len(one) < 10 or np.std(one) == 0 or np.std(two) == 0:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])


@dataclass(frozen=True, eq=False)
class _Chest:
    """An upright chest that faces forward: k up, j back; whether i runs left is the question."""

    hu: np.ndarray
    lung: np.ndarray
    spacing_kji_mm: np.ndarray
    spine_j: int
    spine_i: int

    def cues_of_sides(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Heart, aorta, liver and ratio of the lungs, each from -1 to 1, positive when i runs left."""
        left = np.arange(self.lung.shape[2]) > self.spine_i
        volumes = float(self.lung[:, :, ~left].sum()), float(self.lung[:, :, left].sum())
        if min(volumes) < FULL_SIDE_LUNG * sum(volumes):
            return None, None, None, None
        cues = (self._heart_mm(), self._aorta_share(), self._liver_share(), float(np.log(volumes[0] / volumes[1])))
        full = (HEART_MM, AORTA_SHARE, LIVER_SHARE, RATIO)
        heart, aorta, liver, ratio = (
            None if cue is None else float(np.clip(cue / most, -1.0, 1.0)) for cue, most in zip(cues, full, strict=True)
        )
        return heart, aorta, liver, None if ratio is None else float(np.clip(ratio, -0.5, 0.5))

    def _slices(self, low: float, high: float) -> range:
        """Slices between two shares of the height of the lungs."""
        slices = np.flatnonzero(self.lung.any(axis=(1, 2)))
        height = slices[-1] - slices[0] + 1
        return range(slices[0] + int(low * height), slices[0] + int(high * height))

    def _mm(self, axis: int, distance_mm: float) -> int:
        return round(distance_mm / float(self.spacing_kji_mm[axis]))

    def _heart_mm(self) -> float | None:
        """How much further the tissue between the lungs reaches to the side of high i, before the spine."""
        off, wide = [], []
        for k in self._slices(0.15, 0.6):
            for row in self.lung[k, : max(0, self.spine_j - self._mm(1, 15.0))]:
                found = np.flatnonzero(row)
                low, high = found[found < self.spine_i], found[found > self.spine_i]
                if len(low) > 1 and len(high) > 1:
                    off.append((high.min() - self.spine_i) - (self.spine_i - low.max()))
                    wide.append(high.min() - low.max() - 1)
        if len(off) <= 30 or not sum(wide):
            return None
        return float(np.average(off, weights=wide)) * float(self.spacing_kji_mm[2])

    def _aorta_share(self) -> float | None:
        """How much more tissue lies beside and before the vertebrae on the side of high i."""
        near, far = self._mm(2, 18.0), self._mm(2, 45.0)
        shares = []
        for k in self._slices(0.25, 0.65):
            vertebra = self._vertebra(k)
            if vertebra is None:
                continue
            j, i = vertebra
            rows = slice(max(0, j - self._mm(1, 40.0)), j + self._mm(1, 5.0) + 1)
            high, low = self.lung[k, rows, i + near : i + far], self.lung[k, rows, max(0, i - far + 1) : i - near + 1]
            if high.size and low.size:
                shares.append(float(low.mean() - high.mean()))
        return float(np.median(shares)) if len(shares) > 4 else None

    def _vertebra(self, k: int) -> tuple[int, int] | None:
        """(j, i) of the vertebra in a slice, near where the spine is."""
        first_j, first_i = max(0, self.spine_j - self._mm(1, 30.0)), max(0, self.spine_i - self._mm(2, 20.0))
        window = _bone(self.hu[k]).astype(np.float64)
        window = ndi.gaussian_filter(window, SPINE_BLUR_MM / self.spacing_kji_mm[1:])
        window = window[first_j : self.spine_j + self._mm(1, 30.0), first_i : self.spine_i + self._mm(2, 20.0)]
        if not window.size or window.max() < 0.3:
            return None
        j, i = np.unravel_index(window.argmax(), window.shape)
        return first_j + int(j), first_i + int(i)

    def _liver_share(self) -> float | None:
        """How much more soft tissue, instead of gas and fat, lies under the lung on the side of low i."""
        low_side, high_side = self._under(-1), self._under(1)
        return None if low_side is None or high_side is None else low_side - high_side

    def _under(self, side: int) -> float | None:
        """Share of soft tissue (20 to 200 HU) from 8 to 40 mm under the base of the lung on one side."""
        columns = np.arange(self.lung.shape[2])
        beside = columns > self.spine_i + self._mm(2, 25.0) if side > 0 else columns < self.spine_i - self._mm(2, 25.0)
        rows = np.arange(self.lung.shape[1]) * self.lung.sum(axis=(0, 2))
        middle = float(rows.sum() / self.lung.sum())
        base = self.lung.argmax(axis=0)
        deep, shallow = self._mm(0, 40.0), self._mm(0, 8.0)
        values = []
        for j in range(
            max(0, int(middle) - self._mm(1, 40.0)), min(self.lung.shape[1], int(middle) + self._mm(1, 40.0))
        ):
            for i in np.flatnonzero(beside & self.lung[:, j].any(axis=0)):
                if base[j, i] > shallow:
                    values.append(self.hu[max(0, base[j, i] - deep) : base[j, i] - shallow + 1, j, i])
        if sum(len(column) for column in values) <= 200:
            return None
        tissue = np.concatenate(values)
        return float(((tissue > 20) & (tissue < 200)).mean())
