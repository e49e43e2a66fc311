"""MONAI's published anatomy: the same labels as its own transforms and sliding window, in a part of the memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LungNoduleAILib.model.anatomy import AIRWAY, AORTA, BODY, BONE, HEART, LLL, RML, SPINE
from ThoraxAILib.errors import Cancelled, MissingDependencyError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
nib = pytest.importorskip("nibabel")

TILE = (32, 32, 32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Random weights of the published network."""
    from LungNoduleAILib.published.segresnet import make_network

    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(make_network().state_dict(), path)
    return path


@pytest.fixture
def segmenter(weights, monkeypatch):
    from LungNoduleAILib.published import monai_anatomy

    monkeypatch.setattr(monai_anatomy, "TILE", TILE)
    return monai_anatomy.MonaiWholeBody(name=monai_anatomy.COARSE, weights=weights)


def volume_of(name: str, shape_ijk: tuple[int, int, int] = (44, 40, 36)) -> Volume:
    affine = np.diag([-2.4, -2.4, 3.3, 1.0])
    if name == "flipped":
        affine = np.diag([2.4, 2.4, -3.3, 1.0])
    if name == "oblique":
        a = np.radians(9.0)
        affine[:3, :3] = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ affine[:3, :3]
    affine[:3, 3] = 12.0, -40.0, 3.0
    array = np.random.default_rng(1).normal(-400, 300, shape_ijk).round().astype(np.int16)
    return Volume(np.ascontiguousarray(array.transpose(2, 1, 0)), affine.astype(np.float32).astype(float))


def bundles_labels(volume: Volume, weights: Path, path: Path, overlap: float = 0.25) -> np.ndarray:
    """What MONAI's own dictionary transforms and sliding window say, put back on the CT by its Invertd."""
    from monai import transforms as t
    from monai.data import decollate_batch, list_data_collate
    from monai.inferers import SlidingWindowInferer

    from LungNoduleAILib.published.segresnet import load_network

    nib.save(nib.Nifti1Image(volume.array.transpose(2, 1, 0), volume.ijk_to_ras), path)
    before = t.Compose(
        [
            t.LoadImaged("image", reader="NibabelReader"),
            t.EnsureTyped("image"),
            t.EnsureChannelFirstd("image"),
            t.Orientationd("image", axcodes="RAS"),
            t.Spacingd("image", pixdim=(3.0, 3.0, 3.0), mode="bilinear"),
            t.NormalizeIntensityd("image", nonzero=True),
            t.ScaleIntensityd("image", minv=-1.0, maxv=1.0),
        ]
    )
    after = t.Compose(
        [
            t.Activationsd("pred", softmax=True),
            t.AsDiscreted("pred", argmax=True),
            t.Invertd("pred", transform=before, orig_keys="image", nearest_interp=True, to_tensor=True),
        ]
    )
    batch = list_data_collate([before({"image": str(path)})])
    window = SlidingWindowInferer(TILE, 1, overlap, padding_mode="replicate", mode="gaussian", device="cpu")
    with torch.no_grad():
        batch["pred"] = window(batch["image"], load_network(weights))
    (found,) = [after(one) for one in decollate_batch(batch)]
    return found["pred"].numpy()[0].astype(np.uint8).transpose(2, 1, 0)


SLOWER = [pytest.param(name, marks=pytest.mark.slow) for name in ("axial", "flipped")]


@pytest.mark.parametrize("name", ["oblique", *SLOWER])
def test_labels_are_those_of_the_bundle_wherever_the_ct_lies(segmenter, weights, tmp_path, name):
    volume = volume_of(name)
    peer = bundles_labels(volume, weights, tmp_path / "ct.nii")
    order = volume.axis_order_to_lps()
    ours = order.undo_array(segmenter.labels_104(order.apply(volume), Progress()))
    assert len(np.unique(peer)) > 3
    assert (ours == peer).mean() > 0.9999


def test_an_image_smaller_than_a_tile_is_extended_as_the_bundle_does(segmenter, weights, tmp_path):
    volume = volume_of("axial", (20, 30, 12))
    peer = bundles_labels(volume, weights, tmp_path / "ct.nii")
    assert (segmenter.labels_104(volume.in_lps_order(), Progress()) == peer).mean() > 0.9999


def test_it_stops_between_two_tiles_when_asked(segmenter):
    told: list[str] = []
    with pytest.raises(Cancelled):
        segmenter.labels_104(volume_of("axial"), Progress(lambda _v, text: told.append(text), lambda: len(told) >= 3))
    assert [text.split(" of ")[0] for text in told] == ["Preparing the image", "Tile 1", "Tile 2"]


def test_its_labels_become_lobes_airway_and_kinds_of_tissue(segmenter, monkeypatch):
    from LungNoduleAILib.published.structures import NAMES_104

    chest = Volume(np.full((40, 60, 80), 40, np.int16), np.diag([-4.0, -4.0, 4.0, 1.0]))
    of_104 = np.zeros(chest.array.shape, np.uint8)
    for lobe, columns in (("middle_lobe_right", slice(10, 35)), ("lower_lobe_left", slice(45, 70))):
        chest.array[8:32, 15:45, columns] = -850
        of_104[8:32, 15:45, columns] = NAMES_104.index(f"lung_{lobe}")
    for place, name in enumerate(("trachea", "heart_myocardium", "aorta", "vertebrae_T4", "rib_left_3", "liver")):
        of_104[0, 0, place] = NAMES_104.index(name)
    monkeypatch.setattr(segmenter, "labels_104", lambda _volume, _progress: of_104)
    anatomy = segmenter.segment(chest, Progress())
    assert set(np.unique(anatomy.labels)) == {0, RML, LLL, AIRWAY}
    assert list(anatomy.structures[0, 0, :6]) == [AIRWAY, HEART, AORTA, SPINE, BONE, BODY]
    assert not anatomy.lobes_approximate
    assert anatomy.named.names[anatomy.named.labels[0, 0, 4]] == "rib_left_3"


def test_an_image_without_lungs_is_no_chest_and_gets_none(segmenter, monkeypatch):
    volume = volume_of("axial")
    of_104 = np.full(volume.array.shape, 5, np.uint8)
    monkeypatch.setattr(segmenter, "labels_104", lambda _volume, _progress: of_104)
    anatomy = segmenter.segment(volume, Progress())
    assert anatomy.quality[0].code == "not_a_chest"
    assert not anatomy.has_lungs()


@pytest.mark.parametrize("name", ["monai-wholebody", "monai-wholebody-3mm"])
def test_without_its_weights_it_names_the_command_that_gets_them(tmp_path, monkeypatch, name):
    from LungNoduleAILib.analysis.engines import REGISTRY

    monkeypatch.setenv("THORAXAI_MODELS", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="thoraxai models get wholeBody_ct_segmentation"):
        REGISTRY.choose("anatomy segmenter", name)
