"""Pattern maps on bodies with known patterns, their shares per lobe, and the files of the command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fixtures.formats import check_format
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.parenchyma.pattern_map import (
    CLASSES,
    GROUND_GLASS,
    NORMAL,
    PATTERNS,
    RETICULAR,
    PatternMap,
    map_patterns,
    solid_tissue,
)
from LungNoduleAILib.synthesis import PATTERNS as PHANTOM_PATTERNS
from LungNoduleAILib.synthesis import make_body
from LungNoduleAILib.synthesis.model.body import Body
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

pytest.importorskip("torch")

SEED, RETICULAR_SEED = 8301, 8305


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def ct_of(body: Body) -> Volume:
    noisy = body.clean_hu + np.random.default_rng(5).normal(0, 15, body.clean_hu.shape)
    return Volume(np.clip(noisy, -1024, 3071).astype(np.int16), body.grid.ijk_to_ras)


@pytest.fixture(scope="module")
def sick() -> Body:
    """The first body from a seed on that has both patterns over at least 5 % of its lungs."""
    for seed in range(SEED, SEED + 40):
        coarse = np.bincount(make_body(seed, "training", (5.0, 5.0, 5.0)).patterns.ravel(), minlength=4)
        if (coarse[2:] > 0.05 * coarse[1:].sum()).all():
            return make_body(seed, "training", (2.0, 2.0, 2.0))
    raise AssertionError("no body with both patterns")


@pytest.fixture(scope="module")
def body() -> Body:
    """A body with one pattern of disease, of coarse voxels."""
    made = make_body(RETICULAR_SEED, "training", (3.0, 3.0, 3.0))
    assert (made.patterns == RETICULAR).any()
    return made


@pytest.fixture(scope="module")
def found(body: Body) -> PatternMap:
    return map_patterns(ct_of(body), Anatomy(body.labels), Progress())


def test_the_values_of_map_and_body_mean_the_same():
    assert [PHANTOM_PATTERNS[name] for name in PATTERNS] == [NORMAL, GROUND_GLASS, RETICULAR]


@pytest.mark.slow
def test_patterns_are_where_the_body_has_them(sick: Body):
    found = map_patterns(ct_of(sick), Anatomy(sick.labels), Progress())
    lungs = Anatomy(sick.labels).lungs
    assert (found.labels[lungs] == sick.patterns[lungs]).mean() > 0.75
    assert dice(found.labels == GROUND_GLASS, sick.patterns == GROUND_GLASS) > 0.5
    assert dice(found.labels == RETICULAR, sick.patterns == RETICULAR) > 0.5


def test_every_voxel_of_the_lungs_has_a_pattern_and_no_other(found: PatternMap, body: Body):
    assert ((found.labels > 0) == Anatomy(body.labels).lungs).all()


def test_shares_add_up_per_lobe_and_over_the_lungs(found: PatternMap, body: Body):
    percent = [f"{name.replace(' ', '_')}_percent" for name in CLASSES]
    assert set(found.shares) == {"RUL", "RML", "RLL", "LUL", "LLL", "lungs"}
    assert all(sum(row[name] for name in percent) == pytest.approx(100, abs=0.05) for row in found.shares.values())
    lobes_ml = sum(row["volume_ml"] for name, row in found.shares.items() if name != "lungs")
    assert found.shares["lungs"]["volume_ml"] == pytest.approx(lobes_ml, abs=0.5)
    expected = 100 * (found.labels == RETICULAR).sum() / (found.labels > 0).sum()
    assert found.shares["lungs"]["reticular_percent"] == pytest.approx(expected, abs=0.01)


def test_low_attenuation_is_the_share_of_voxels_below_950_hu(found: PatternMap, body: Body):
    lungs = Anatomy(body.labels).lungs
    expected = 100 * (ct_of(body).array[lungs] < -950).mean()
    assert found.shares["lungs"]["laa950_percent"] == pytest.approx(expected, abs=0.01)


def test_a_mass_is_solid_and_a_vessel_is_not():
    hu, inside = np.full((40, 40, 40), -850.0, np.float32), np.ones((40, 40, 40), bool)
    k, j, i = np.indices(hu.shape)
    mass, vessel = (k - 12) ** 2 + (j - 20) ** 2 + (i - 12) ** 2 <= 64, (j - 20) ** 2 + (i - 32) ** 2 <= 1
    hu[mass | vessel] = 40
    solid = solid_tissue(hu, inside, 2.0)
    assert solid[mass].mean() > 0.9
    assert not solid[vessel].any()
    assert solid.sum() < 1.6 * mass.sum()


def test_an_image_without_lungs_has_no_patterns(refused):
    volume = Volume(np.full((20, 20, 20), -1000, np.int16), np.diag([-2.0, -2.0, 2.0, 1.0]))
    with refused("No lungs were found"):
        map_patterns(volume, Anatomy(np.zeros(volume.array.shape, np.uint8)), Progress())


def test_the_command_writes_map_table_and_picture(small_chest, tmp_path, capsys):
    import SimpleITK as sitk

    from LungNoduleAILib.synthesis import write_phantom
    from ThoraxAILib.cli.main import main

    write_phantom(small_chest, tmp_path)
    output = tmp_path / "out"
    assert main(["lung", "patterns", str(tmp_path / "ct.nrrd"), "--output", str(output), "--anatomy", "classical"]) == 0
    assert sorted(path.name for path in output.iterdir()) == ["patterns.json", "patterns.nrrd", "patterns.png"]
    image, ct = sitk.ReadImage(str(output / "patterns.nrrd")), sitk.ReadImage(str(tmp_path / "ct.nrrd"))
    assert image.GetSize() == ct.GetSize()
    assert np.allclose(image.GetOrigin(), ct.GetOrigin())
    table = json.loads((output / "patterns.json").read_text(encoding="utf-8"))
    check_format(table, "patterns")
    assert table["shares"]["lungs"]["normal_percent"] > 50
    assert table["methods"]["anatomy"] == "classical"
    assert "Research use only" in table["notice"]
    assert "Research use only" in capsys.readouterr().out


@pytest.mark.slow
def test_training_pieces_show_several_bodies_and_only_their_lungs_count():
    from LungNoduleAILib.training.labels.pattern_samples import PatternSamples
    from LungNoduleAILib.training.labels.samples import IGNORED

    samples = PatternSamples(seed=3, pool=2, pieces=2, shape_kji=(16, 24, 24))
    one, again = samples(5), samples(5)
    assert one.hu.shape == one.labels.shape == (2, 16, 24, 24)
    assert np.array_equal(one.hu, again.hu)
    assert not np.array_equal(one.labels[0], one.labels[1])
    assert set(np.unique(one.labels)) <= {0, 1, 2, IGNORED}
    assert (one.labels != IGNORED).any(axis=(1, 2, 3)).all()
    assert one.hu[one.labels == 0].mean() < -600
