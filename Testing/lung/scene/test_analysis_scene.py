"""A case's scene, written from arrays, is what Slicer's own writer makes of the whole nodes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures.synthetic_chest import GEOMETRIES, chest_labels, chest_volume, result_on
from LungNoduleAILib.model.anatomy import BODY, HEART
from ThoraxAILib.image.mask import Mask

READER = Path(__file__).parents[2] / "fixtures" / "read_saved_result.py"
RUN = {"schema": "thoraxai.run/1", "options": {"detector": "classical"}}


def overlapping(result):
    """The same with structures, and with a second finding that shares voxels with the first, so that it needs a
    layer of its own."""
    first, second, *rest = result.findings.findings
    mask = Mask(first.mask.offset_kji, np.ones_like(first.mask.array))
    findings = (first, replace(second, mask=mask), *rest)
    structures = np.where(chest_labels() > 0, chest_labels(), BODY).astype(np.uint8)
    structures[:, :3] = HEART
    return replace(result, structures=structures, findings=replace(result.findings, findings=findings))


@pytest.fixture(scope="module", params=["oblique", "as it is"])
def both(request, tmp_path_factory):
    """Folders of the two writers, and the facts a fresh Python reads in them."""
    from ThoraxAILib.scene import host

    if not host.is_available():
        pytest.skip("slicer-core is not installed")
    host.install().mrmlScene.Clear(0)
    from LungNoduleAILib.scene.analysis_scene import write_analysis_scene
    from LungNoduleAILib.scene.result_nodes import create_result_nodes, remove_result_nodes
    from LungNoduleAILib.scene.saving import save_result
    from ThoraxAILib.scene.hierarchy import remove_node
    from ThoraxAILib.scene.volumes import node_from_volume

    name = list(GEOMETRIES)[-1] if request.param == "oblique" else next(iter(GEOMETRIES))
    result = overlapping(result_on(chest_volume(GEOMETRIES[name])))
    theirs, ours = tmp_path_factory.mktemp("slicer"), tmp_path_factory.mktemp("arrays")
    volume = node_from_volume(result.volume, "CT")
    nodes = create_result_nodes(volume, result, RUN)
    nodes.set_threshold(0.0)
    save_result(theirs, nodes)
    remove_result_nodes(nodes)
    remove_node(volume)
    write_analysis_scene(ours, "CT", result, RUN)
    facts = [
        json.loads(
            subprocess.run(
                [sys.executable, str(READER), str(folder)], capture_output=True, text=True, timeout=120, check=True
            ).stdout
        )
        for folder in (theirs, ours)
    ]
    return theirs, ours, facts


def test_slicer_reads_the_same_out_of_both(both):
    theirs, ours = both[2]
    assert len(theirs["scene"]["segments"]) == 13
    assert ours == theirs


def test_the_bundles_hold_the_same_files(both):
    names = []
    for folder in both[:2]:
        with zipfile.ZipFile(folder / "scene.mrb") as bundle:
            names.append(sorted(bundle.namelist()))
    assert names[0] == names[1]


def test_the_outlines_that_a_reader_goes_on_from_are_the_same(both):
    outlines = []
    for folder in both[:2]:
        with zipfile.ZipFile(folder / "scene.mrb") as bundle:
            scene = bundle.read("scene/scene.mrml").decode()
            outlines.append(re.findall(r"LungNoduleAI\.outlines:(.*?);LungNoduleAI\.", scene))
    assert len(outlines[0]) == 1
    assert "Mass_01" in outlines[0][0]
    assert outlines[1] == outlines[0]


def test_other_programs_read_layers_and_image(both):
    import SimpleITK as sitk

    segments = sitk.ReadImage(str(both[1] / "segmentation.seg.nrrd"))
    assert segments.GetNumberOfComponentsPerPixel() == 5  # lungs, lobes, findings twice, organs
    assert segments.GetSize() == chest_labels().shape[::-1]
    lobes = sitk.GetArrayFromImage(segments)[..., 1]
    np.testing.assert_array_equal(lobes, chest_labels())


@pytest.mark.parametrize("is_noise", [False, True])
@pytest.mark.parametrize("with_isal", [False, True])
def test_blocks_join_to_one_gzip_file(with_isal, is_noise):
    import gzip

    from ThoraxAILib.scene.files.gzip_blocks import gzip_blocks

    if with_isal:
        pytest.importorskip("isal")
    blocks = [np.random.default_rng(seed).integers(0, 9, 5000 + seed).astype(np.uint8).tobytes() for seed in range(9)]
    for workers in (1, 3):
        packed = b"".join(gzip_blocks(iter(blocks), workers, is_noise, with_isal))
        assert gzip.decompress(packed) == b"".join(blocks)
    assert gzip.decompress(b"".join(gzip_blocks([], 1, is_noise, with_isal))) == b""


def image_in(bundle: Path) -> np.ndarray:
    import SimpleITK as sitk

    with zipfile.ZipFile(bundle) as files, tempfile.TemporaryDirectory() as folder:
        (name,) = (name for name in files.namelist() if name.endswith(".nrrd") and "seg" not in name)
        return sitk.GetArrayFromImage(sitk.ReadImage(files.extract(name, folder)))


def test_an_image_compressed_ahead_is_the_same_in_the_scene(both, tmp_path):
    from LungNoduleAILib.scene.analysis_scene import write_analysis_scene
    from ThoraxAILib.scene.files.packed_ahead import PackedAhead

    result = overlapping(result_on(chest_volume(next(iter(GEOMETRIES.values())))))
    with PackedAhead(result.volume.array, tmp_path) as ahead:
        assert ahead.file_of(result.volume.array) is not None
        assert ahead.file_of(result.volume.array.copy()) is None  # another image is not taken for this one
        write_analysis_scene(tmp_path, "CT", result, RUN, ahead)
    np.testing.assert_array_equal(image_in(tmp_path / "scene.mrb"), result.volume.array)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "nodules.mrk.json",
        "scene.mrb",
        "segmentation.seg.nrrd",
    ]


def test_compressing_ahead_stops_and_leaves_nothing_when_the_analysis_fails(tmp_path):
    import threading

    from ThoraxAILib.scene.files.packed_ahead import PackedAhead

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), PackedAhead(np.zeros((200, 512, 512), np.int16), tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == before


def test_an_image_that_could_not_be_written_ahead_is_compressed_with_the_scene(tmp_path):
    from ThoraxAILib.scene.files.packed_ahead import PackedAhead

    array = np.zeros((3, 4, 5), np.int16)
    with PackedAhead(array, tmp_path / "no such folder") as ahead:
        assert ahead.file_of(array) is None
