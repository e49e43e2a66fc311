"""The small chest: a schematic CT of an average person with planted nodules, made in seconds.

It serves tests, the sample of the demo and the self-test, where one has to know what is right on a grid of any size and
direction; every structure is a function of RAS position. Training and judging take persons of all builds from ``body``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY
from LungNoduleAILib.synthesis.geometry.lattice import FieldSampler, Lattice
from LungNoduleAILib.synthesis.geometry.shape import Build, Shapes, lobe_labels, make_shapes
from LungNoduleAILib.synthesis.geometry.trees import (
    ARTERIES,
    BRONCHI,
    TRACHEA,
    TRACHEA_RADIUS_MM,
    VEINS,
    Tree,
    grow_tree,
)
from LungNoduleAILib.synthesis.geometry.tubes import Tubes, draw_coverage, draw_distance, paint
from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.nodules.placement import DEFAULT_RECIPES, NoduleRecipe, Placer
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule, ellipsoid_share, numbered, paint_nodule
from LungNoduleAILib.synthesis.scanner.point_spread import scan
from LungNoduleAILib.synthesis.test_phantom.tissue import render_tissue
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import SeriesIdentity, Volume

FIELD_OF_VIEW_MM = (384.0, 384.0, 324.0)
CENTER_RAS_MM = (0.0, -12.0, -18.0)
_SLAB = 8


def make_small_chest(
    seed: int = 0,
    spacing_mm: tuple[float, float, float] = (0.75, 0.75, 1.25),
    *,
    shape_ijk: tuple[int, int, int] | None = None,
    direction: np.ndarray | None = None,
    center_ras_mm: tuple[float, float, float] = CENTER_RAS_MM,
    noise_hu: float = 20.0,
    psf_fwhm_mm: float = 1.1,
    blood_hu: float = 42.0,
    nodules: Sequence[PlantedNodule | NoduleRecipe] | None = None,
    table: bool = True,
    scan_number: int = 0,
) -> SyntheticCT:
    """Return a chest CT of ``spacing_mm`` (i, j, k) with nodules planted where given or, for recipes, where the seed
    says.

    ``direction`` (3x3, columns are RAS directions of i, j, k) turns the grid, not the patient; None is axial LPS.
    Another ``scan_number`` is the same person with other noise. ``shape_ijk`` None covers 384 x 384 x 324 mm. Raises
    InputError for impossible grids, noise or nodules.
    """
    if noise_hu < 0 or psf_fwhm_mm < 0:
        raise InputError(f"Noise and blur cannot be negative, found {noise_hu:g} HU and {psf_fwhm_mm:g} mm.")
    if shape_ijk is None:
        shape_ijk = three(int(np.ceil(size / step)) for size, step in zip(FIELD_OF_VIEW_MM, spacing_mm, strict=True))
    grid = Grid.around(np.array(center_ras_mm), spacing_mm, shape_ijk, direction)
    person = np.random.default_rng([seed, 1])
    scanner = np.random.default_rng([seed, 2, scan_number] if scan_number else [seed, 2])
    shapes = make_shapes(Build.drawn(person), person)
    trees = _grow(shapes, person)
    vessels = Tubes.joined([tree.tubes() for name, tree in trees.items() if "bronchi" not in name])
    placer = Placer(shapes, vessels, person)
    planted = numbered(tuple(placer.place(wish) for wish in (DEFAULT_RECIPES if nodules is None else nodules)))
    hu, labels = _render(shapes, grid, trees, vessels, planted, blood_hu, table)
    image = scan(hu, grid.spacing_kji_mm, psf_fwhm_mm, noise_hu, scanner)
    identity = SeriesIdentity(
        series_uid=f"2.25.{7300000000 + seed}",
        kernel="phantom",
        slice_thickness_mm=float(spacing_mm[2]),
        manufacturer="ThoraxAI phantom",
    )
    return SyntheticCT(Volume(image, grid.ijk_to_ras, identity=identity), labels, planted, trees, seed, noise_hu)


def _grow(shapes: Shapes, rng: np.random.Generator) -> dict[str, Tree]:
    """Arteries, veins and bronchi of both lungs."""
    trees = {}
    for name, plans, depth_mm in (("arteries", ARTERIES, 4), ("veins", VEINS, 4), ("bronchi", BRONCHI, 18)):
        points = shapes.lattice.low_ras_mm + shapes.lattice.step_mm * np.argwhere(shapes.lung < -depth_mm)
        for plan in plans:
            own = points[(points[:, 0] > 0) == plan.right]
            trees[f"{'right' if plan.right else 'left'} {name}"] = grow_tree(plan, shapes, own, rng)
    return trees


def _render(
    shapes: Shapes,
    grid: Grid,
    trees: dict[str, Tree],
    vessels: Tubes,
    nodules: tuple[PlantedNodule, ...],
    blood_hu: float,
    table: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free float32 HU and uint8 labels on the grid."""
    hu = np.zeros(grid.shape_kji, dtype=np.float32)
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    draw_coverage(hu, grid, vessels)
    tissue = render_tissue(shapes, grid, blood_hu, table)
    _compose(hu, labels, shapes, grid, tissue, blood_hu)
    _draw_airways(hu, labels, grid, trees)
    for nodule in nodules:
        paint_nodule(hu, grid, nodule)
        box, share = ellipsoid_share(grid, nodule, nodule.semi_axes_mm)
        lobe = shapes.lobe_at(np.array([nodule.center_ras_mm]))[0]
        labels[box][(share > 0.5) & (labels[box] == 0)] = lobe
    return hu, labels


def _compose(
    hu: np.ndarray, labels: np.ndarray, shapes: Shapes, grid: Grid, tissue: tuple[Lattice, np.ndarray], blood_hu: float
) -> None:
    """Turn vessel coverage (``hu`` on entry) into HU: tissue, then lungs with fissures, then vessels."""
    coarse, fine = FieldSampler(shapes.lattice, grid), FieldSampler(tissue[0], grid)
    parenchyma = _parenchyma(shapes)
    on_right = np.broadcast_to(shapes.lattice.open_axes()[0], shapes.lattice.shape_xyz)
    edge = np.float32(np.cbrt(np.prod(grid.spacing_kji_mm)))
    for start in range(0, len(hu), _SLAB):
        stop = min(start + _SLAB, len(hu))
        vessel = hu[start:stop].copy()
        image = fine.slab(tissue[1], start, stop)
        distance = coarse.slab(shapes.lung, start, stop)
        oblique, horizontal = (coarse.slab(f, start, stop) for f in (shapes.oblique, shapes.horizontal))
        inside = distance < edge
        right = coarse.slab(on_right, start, stop)[inside] > 0
        lung = coarse.slab(parenchyma, start, stop)[inside]
        lung += _fissure_hu(right, oblique[inside], horizontal[inside])
        share = np.clip(0.5 - distance[inside] / edge, 0, 1)
        image[inside] += share * (lung - image[inside])
        image += vessel * (np.float32(blood_hu) - image)
        lobes = lobe_labels(right, oblique[inside], horizontal[inside])
        labels[start:stop][inside] = np.where(distance[inside] < 0, lobes, 0)
        hu[start:stop] = image


def _parenchyma(shapes: Shapes) -> np.ndarray:
    """HU of lung tissue on the lattice: denser behind (supine), mottled."""
    front = shapes.lattice.open_axes()[1]
    return (-856 - 0.28 * front + 7 * shapes.texture + 5 * shapes.smooth).astype(np.float32)


def _fissure_hu(right: np.ndarray, oblique: np.ndarray, horizontal: np.ndarray) -> np.ndarray:
    """Return added HU of the fissures, sheets of about a millimetre."""
    sheet = np.where(right & (oblique > 0), np.minimum(np.abs(oblique), np.abs(horizontal)), np.abs(oblique))
    return np.float32(110) * np.exp(-((sheet / np.float32(0.75)) ** 2))


def _draw_airways(hu: np.ndarray, labels: np.ndarray, grid: Grid, trees: dict[str, Tree]) -> None:
    """Trachea and bronchi: walls first, then the air in them; beyond the hilum only inside the lung."""
    bronchi = [tree for name, tree in trees.items() if "bronchi" in name]
    tubes = [tree.tubes() for tree in bronchi]
    main = [Tubes.along(np.array(TRACHEA, dtype=float), TRACHEA_RADIUS_MM)]
    for tree, tube in zip(bronchi, tubes, strict=True):
        trunk = np.tile(tree.radius_mm > 0.999 * tree.radius_mm[0], 2)
        main.append(tube.where(trunk))
    central, distal = Tubes.joined(main), Tubes.joined([t.where(t.radius_mm < t.radius_mm.max()) for t in tubes])
    lung = labels > 0
    paint(hu, grid, central.grown(1.3), 20)
    paint(hu, grid, distal.grown(0.25 + 0.18 * distal.radius_mm), -250, lung)
    paint(hu, grid, distal, -985, lung)
    paint(hu, grid, central, -995)
    distance = np.full(grid.shape_kji, 9, dtype=np.float32)
    draw_distance(distance, grid, central, 0.5)
    labels[distance < 0] = AIRWAY
