"""What is written opens again in a fresh Python with nothing lost; what cannot be written leaves nothing."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.synthetic_chest import GEOMETRIES, chest_labels, chest_volume, result_on
from LungNoduleAILib.model.anatomy import AIRWAY, LLL
from ThoraxAILib.errors import InputError, OutputError

FILES = sorted(
    [
        *("nodules.mrk.json", "scene.mrb", "segmentation.seg.nrrd", "findings.json", "findings.csv", "run.json"),
        *("report.html", "report.pdf", "report.txt"),
    ]
)
READER = Path(__file__).parents[2] / "fixtures" / "read_saved_result.py"
FILL_THE_DISK = """
import logging, resource, signal, sys
import numpy as np
from pathlib import Path
from ThoraxAILib.scene import host
slicer = host.install()
from ThoraxAILib.scene.files.saving import write_node
logging.basicConfig(level=logging.WARNING)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
node = slicer.util.addVolumeFromArray(np.random.default_rng(0).integers(0, 999, (30, 40, 50)).astype(np.int16))
resource.setrlimit(resource.RLIMIT_FSIZE, (9999, resource.RLIM_INFINITY))
try:
    write_node(node, Path(sys.argv[1]))
except OSError as error:
    print(error)
"""
RUN = {"schema": "thoraxai.run/1", "options": {"detector": "classical"}}


@pytest.fixture(scope="module", params=GEOMETRIES)
def reopened(request, tmp_path_factory):
    """A saved result with decisions, and what a fresh Python finds in its files; in each orientation."""
    from ThoraxAILib.scene import host

    if not host.is_available():
        pytest.skip("slicer-core is not installed")
    host.install().mrmlScene.Clear(0)
    from LungNoduleAILib.logic.logic import LungNoduleAILogic
    from ThoraxAILib.scene.volumes import node_from_volume

    volume, logic = chest_volume(GEOMETRIES[request.param]), LungNoduleAILogic()
    result = result_on(volume)
    logic.show_result(node_from_volume(volume, "CT"), result, RUN)
    logic.set_finding_status("Nodule_01", "accepted")
    logic.set_finding_status("Nodule_02", "rejected", "vessel, not a nodule")
    logic.set_threshold(0.5)
    folder = tmp_path_factory.mktemp("saved")
    logic.save_result(folder)
    process = subprocess.run(
        [sys.executable, str(READER), str(folder)], capture_output=True, text=True, timeout=120, check=True
    )
    return SimpleNamespace(
        volume=volume, result=result, folder=folder, errors=process.stderr, facts=json.loads(process.stdout)
    )


def expected_center(reopened, segment_id: str) -> np.ndarray:
    """Center (RAS mm) of the voxels that were put into a segment."""
    labels = chest_labels()
    masks = {"LLL": labels == LLL, "Airway": labels == AIRWAY, "LeftLung": (labels == LLL) | (labels == LLL - 1)}
    if segment_id in masks:
        return reopened.volume.ras_from_kji(np.argwhere(masks[segment_id]).mean(0))
    finding = next(f for f in reopened.result.findings.findings if f.id == segment_id)
    return np.array(finding.center_ras_mm)


def test_exactly_the_files_of_a_result_are_written(reopened):
    assert sorted(path.name for path in reopened.folder.iterdir()) == FILES


@pytest.mark.parametrize("file", ["scene", "segmentation"])
def test_every_segment_is_there_with_name_code_and_all_voxels(reopened, file):
    segments = reopened.facts["scene"]["segments"] if file == "scene" else reopened.facts["segmentation"]
    assert list(segments) == [
        "RightLung",
        "LeftLung",
        "RUL",
        "RML",
        "RLL",
        "LUL",
        "LLL",
        "Airway",
        "Nodule_01",
        "Nodule_02",
        "Mass_01",
    ]
    labels = chest_labels()
    assert segments["LLL"]["voxels"] == (labels == LLL).sum()
    assert segments["RightLung"]["voxels"] == np.isin(labels, (1, 2, 3)).sum()
    assert [segments[name]["voxels"] for name in ("Nodule_01", "Nodule_02", "Mass_01")] == [63, 63, 63]
    assert segments["RUL"]["name"] == "Right upper lobe (approximate)"
    assert "SCT^45653009^Upper lobe of lung~SCT^24028007^Right" in segments["RUL"]["term"]
    assert "SCT^27925004^Nodule" in segments["Nodule_01"]["term"]
    assert "SCT^4147007^Mass" in segments["Mass_01"]["term"]


@pytest.mark.parametrize("file", ["scene", "segmentation"])
@pytest.mark.parametrize("segment_id", ["LeftLung", "LLL", "Airway", "Nodule_01", "Nodule_02", "Mass_01"])
def test_segments_lie_where_they_lay(reopened, file, segment_id):
    segments = reopened.facts["scene"]["segments"] if file == "scene" else reopened.facts["segmentation"]
    np.testing.assert_allclose(segments[segment_id]["center"], expected_center(reopened, segment_id), atol=0.01)


@pytest.mark.parametrize("file", ["scene", "points"])
def test_points_lie_where_they_lay_with_their_words(reopened, file):
    points = reopened.facts["scene"]["points"] if file == "scene" else reopened.facts["points"]
    for point, finding in zip(points, reopened.result.findings.findings, strict=True):
        np.testing.assert_allclose(point["position"], finding.center_ras_mm, atol=0.01)
        assert point["label"] == f"{finding.id} 8.3 mm"
    assert points[1]["description"].endswith("rejected, vessel, not a nodule")
    assert [point["selected"] for point in points] == [True, False, True]


def test_boxes_lie_where_they_lay_and_hide_as_before(reopened):
    boxes = reopened.facts["scene"]["boxes"]
    for box, finding in zip(boxes, reopened.result.findings.findings, strict=True):
        bounds = np.array(finding.bounds_ras_mm)
        np.testing.assert_allclose(box, (bounds[::2] + bounds[1::2]) / 2, atol=0.01)
    assert reopened.facts["scene"]["boxes_visible"] == [True, False, False]


def test_decisions_and_everything_else_about_the_findings_survive(reopened):
    findings = reopened.facts["scene"]["findings"]["findings"]
    assert [(f["status"], f["reason"]) for f in findings] == [
        ("accepted", ""),
        ("rejected", "vessel, not a nodule"),
        ("unreviewed", ""),
    ]
    for found, finding in zip(findings, reopened.result.findings.findings, strict=True):
        written = json.loads(json.dumps(finding.to_dict()))
        assert {**found, "status": "", "reason": ""} == {**written, "status": "", "reason": ""}
    rows = reopened.facts["scene"]["table"]
    assert [(row["Finding"], row["Status"]) for row in rows] == [
        ("Nodule_01", "accepted"),
        ("Nodule_02", "rejected"),
        ("Mass_01", "unreviewed"),
    ]
    assert reopened.facts["scene"]["unit"] == "mm"


def test_threshold_and_run_record_survive(reopened):
    assert reopened.facts["scene"]["threshold"] == 0.5
    assert json.loads(reopened.facts["scene"]["options"]) == {"detector": "classical"}


def test_the_volume_keeps_its_voxels_at_their_places(reopened):
    array = reopened.volume.array
    assert reopened.facts["scene"]["voxel_sum"] == array.sum(dtype=np.int64)
    brightest = reopened.volume.ras_from_kji(np.argwhere(array == array.max()))
    found = np.array(reopened.facts["scene"]["first_voxels_ras"])
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(brightest, axis=0), atol=0.01)


def test_opening_prints_no_error(reopened):
    assert reopened.errors == ""


def test_slicers_own_writer_and_ours_put_the_same_files_into_a_bundle(slicer, logic, shown, tmp_path):
    logic.save_result(tmp_path)
    (tmp_path / "own").mkdir()
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "own" / "scene.mrb"), None, None)
    ours, theirs = (
        sorted(zipfile.ZipFile(path).namelist()) for path in (tmp_path / "scene.mrb", tmp_path / "own" / "scene.mrb")
    )
    assert ours == [name for name in theirs if not name.endswith("/")]


def test_an_empty_result_opens_again(slicer, logic, chest, chest_node, tmp_path):
    logic.show_result(chest_node, result_on(chest, ()))
    logic.save_result(tmp_path)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert logic.findings() == ()
    assert logic.result_nodes().segmentation.GetSegmentation().GetNumberOfSegments() == 8
    assert logic.result_nodes().table.GetNumberOfColumns() > 10


def test_saving_does_not_change_where_nodes_are_stored(slicer, logic, shown, chest_node, tmp_path):
    path, url = str(tmp_path / "ct.nrrd"), slicer.mrmlScene.GetURL()
    slicer.util.saveNode(chest_node, path, {})
    (tmp_path / "out").mkdir()
    logic.save_result(tmp_path / "out")
    assert chest_node.GetStorageNode().GetFileName() == path
    assert slicer.mrmlScene.GetURL() == url


def test_saving_again_replaces_the_files(logic, shown, tmp_path):
    logic.save_result(tmp_path)
    logic.set_finding_status("Nodule_01", "accepted")
    logic.save_result(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert "accepted" in (tmp_path / "nodules.mrk.json").read_text(encoding="utf-8")


def test_without_a_result_there_is_nothing_to_save(logic, tmp_path):
    with pytest.raises(InputError, match="no result to save"):
        logic.save_result(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_raises_and_stays_as_it_was(logic, shown, tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(OutputError, match="cannot be saved"):
            logic.save_result(place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@contextmanager
def no_file_larger_than(size_bytes: int) -> Iterator[None]:
    """As on a full disk, writing beyond a size fails."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size_bytes", [500, 3000, 30000])
def test_a_full_disk_raises_and_leaves_the_earlier_files(logic, shown, tmp_path, size_bytes):
    for name in FILES:
        (tmp_path / name).write_text("earlier")
    with pytest.raises(OutputError, match="not full"), no_file_larger_than(size_bytes):
        logic.save_result(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(FILES, "earlier")


def test_a_full_disk_says_one_sentence_and_no_more(tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(tmp_path / "ct.nrrd")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert process.stdout == "ct.nrrd could not be written: check that the output folder is writable and not full.\n"
    assert process.stderr == ""
    assert list(tmp_path.iterdir()) == []
