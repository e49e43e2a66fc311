"""Defacing on a made-up person: the face moves, nothing below the neck changes, and no claim without approval."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from scipy import ndimage

from AnonymizerLib.bounds.worker_limits import FileLimits
from AnonymizerLib.bounds.worker_pool import results
from AnonymizerLib.deidentify.instance import InstanceCleaner, Refused
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.pixels.face_picture import surface_depth
from AnonymizerLib.pixels.face_removal import Faces
from AnonymizerLib.pixels.faces import AIR, KEEP, body_of, find_face
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.run import face_search
from AnonymizerLib.run.run import RunOptions, run
from AnonymizerLib.run.worker import WorkerSettings
from fixtures.anonymizer_studies import KEY, ct, file_bytes, save

SPACING_MM = 4.0
SHAPE = (130, 70, 120)  # (S, A, R) grid: 520 mm high, 280 deep, 480 wide
TO_RAS = np.array([[0, 0, SPACING_MM, 0], [0, SPACING_MM, 0, 0], [SPACING_MM, 0, 0, 0], [0, 0, 0, 1.0]])


def person(with_head: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A torso with lungs, a neck, a head with a nose, in HU; and the lungs."""
    s, a, r = np.indices(SHAPE).astype(float) * SPACING_MM
    middle_a, middle_r = 140.0, 240.0
    torso = ((a - middle_a) / 110) ** 2 + ((r - middle_r) / 190) ** 2 + np.maximum(s - 260, 0) ** 2 / 30**2 < 1
    neck = ((a - middle_a + 10) ** 2 + (r - middle_r) ** 2 < 58**2) & (s >= 200) & (s < 340)
    head = ((s - 420) / 95) ** 2 + ((a - middle_a) / 95) ** 2 + ((r - middle_r) / 75) ** 2 < 1
    nose = ((s - 410) / 22) ** 2 + ((a - middle_a - 95) / 24) ** 2 + ((r - middle_r) / 14) ** 2 < 1
    lungs = ((s - 130) / 90) ** 2 + ((a - middle_a) / 70) ** 2 + ((np.abs(r - middle_r) - 75) / 55) ** 2 < 1
    volume = np.full(SHAPE, -1000.0, np.float32)
    for part in (torso, neck, *((head, nose) if with_head else ())):
        volume[part] = 40.0
    volume[lungs] = -800.0
    return volume, lungs


def test_the_face_is_found_above_the_neck_and_in_front():
    volume, lungs = person()
    mask = find_face(volume, TO_RAS, True, 1)
    planes = np.flatnonzero((mask.action != KEEP).any(axis=(1, 2))) * SPACING_MM
    assert 280 < planes.min() < 350
    assert planes.max() > 500
    assert (mask.action[lungs] == KEEP).all()
    assert (mask.action[:70] == KEEP).all()
    assert (mask.action[:, :33] == KEEP).all()


def test_the_surface_of_the_face_moves_by_5_mm_and_more():
    volume, _ = person()
    mask = find_face(volume, TO_RAS, True, 1)
    before = body_of(volume, True)
    after = before & (mask.action != AIR)
    depth_before, depth_after = surface_depth(before)[::-1], surface_depth(after)[::-1]
    face = np.zeros(depth_before.shape, bool)
    face[90:122, 46:75] = True
    moved = (depth_after - depth_before)[face & (depth_before < SHAPE[1])] * SPACING_MM
    assert moved.mean() >= 5.0
    assert np.percentile(moved, 10) >= 4.0


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("flip", [False, True])
def test_any_orientation_of_the_volume_gives_the_same_face(axes, flip):
    volume, _ = person()
    expected = find_face(volume, TO_RAS, True, 1)
    turned, matrix = volume.transpose(axes), TO_RAS.copy()
    matrix[:3, :3] = TO_RAS[:3, list(axes)]
    if flip:
        turned = np.flip(turned, 0)
        matrix[:3, 3] += matrix[:3, 0] * (turned.shape[0] - 1)
        matrix[:3, 0] *= -1
    mask = find_face(np.ascontiguousarray(turned), matrix, True, 1)
    points = np.indices(SHAPE).reshape(3, -1).T @ TO_RAS[:3, :3].T
    assert (mask.at(points) == expected.at(points)).all()


@pytest.mark.parametrize(
    "make", [lambda: person(with_head=False)[0], lambda: person()[0][:75], lambda: np.full(SHAPE, -1000.0, np.float32)]
)
def test_without_a_head_in_view_there_is_no_mask(make):
    assert find_face(make(), TO_RAS, True, 1) is None


def test_a_head_alone_is_recognized_as_a_head():
    volume = person()[0][88:]
    assert find_face(volume, TO_RAS, True, 1) is not None


def test_a_head_in_mr_is_found_without_hounsfield_units():
    volume, _ = person()
    intensities = np.where(volume > -500, 300.0, 5.0) + np.random.default_rng(0).normal(0, 3, SHAPE)
    assert find_face(ndimage.gaussian_filter(intensities, 0.5), TO_RAS, False, 1) is not None


@pytest.fixture
def scan(tmp_path):
    """The person as an axial CT series, and a segmentation-like object in the same frame of reference."""
    volume, _ = person()
    for number, plane in enumerate(volume[::2]):
        ds = ct(number)
        ds.Rows, ds.Columns = plane.shape
        ds.PixelSpacing, ds.SliceThickness = [SPACING_MM, SPACING_MM], str(2 * SPACING_MM)
        ds.ImagePositionPatient = [0.0, 280.0, number * 2 * SPACING_MM]
        ds.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
        ds.PixelData = (plane + 1024).astype(np.uint16).tobytes()
        save(ds, tmp_path / "in" / f"{number:03d}.dcm")
    return tmp_path


def options(folder, approved=False, **how):
    settings = WorkerSettings(folder / "in", folder / "out", profile_named("basic", ["clean-faces"]), KEY)
    return RunOptions(settings, faces_approved=approved, **how)


def test_without_approval_the_head_waits_and_pictures_are_made(scan):
    result = run(options(scan))
    assert result.counts["quarantined"] > 15
    assert result.counts["clean"] > 30
    assert len(list((result.private / "faces").glob("*.png"))) == 1
    assert all("RecognizableVisualFeatures" not in dcmread(path) for path in (scan / "out").rglob("*.dcm"))


def test_after_approval_all_pass_and_only_the_face_has_changed(scan):
    run(options(scan))
    result = run(options(scan, approved=True))
    assert result.counts == {"clean": 65}
    claimed, changed = 0, 0
    originals = {
        float(ds.ImagePositionPatient[2]): ds.pixel_array for ds in (dcmread(path) for path in (scan / "in").iterdir())
    }
    for path in (scan / "out").rglob("*.dcm"):
        ds = dcmread(path)
        height = float(ds.ImagePositionPatient[2])
        differs = ds.pixel_array != originals[height]
        assert not (differs.any() and height < 280)
        claimed += ds.get("RecognizableVisualFeatures") == "NO"
        changed += bool(differs.any())
        assert ("113102" in [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]) == differs.any()
    assert claimed == changed > 15


def test_a_head_without_a_mask_waits_for_a_person():
    ds = ct()
    ds.BodyPartExamined = "HEAD"
    with pytest.raises(Refused, match="could not be defaced"):
        InstanceCleaner(profile_named("basic", ["clean-faces"]), Identities(KEY)).clean(file_bytes(ds))


def test_heads_are_looked_for_by_the_workers_and_never_by_the_process_that_started_them(scan, monkeypatch):
    def decode(_file):
        raise AssertionError("pixels were decoded in the parent")

    monkeypatch.setattr(face_search, "pixel_dataset", decode)
    monkeypatch.setattr(face_search, "read_dicom", decode)
    result = run(options(scan, is_isolated=True))
    assert result.counts["quarantined"] > 15
    assert len(list((result.private / "faces").glob("*.png"))) == 1
    assert not list((result.private / "faces").glob("*.part"))


@pytest.mark.parametrize("harm", ["cut off", "another layout", "memory"])
def test_images_that_could_not_be_looked_at_for_a_face_wait(scan, harm):
    path = scan / "in" / "020.dcm"
    ds, limits = dcmread(path), FileLimits()
    if harm == "cut off":
        ds.PixelData = ds.PixelData[: len(ds.PixelData) // 2]
    elif harm == "another layout":
        ds.BitsStored, ds.HighBit = 40, 39
    else:
        limits = FileLimits(memory_bytes=60 << 20)
    save(ds, path)
    faces = Faces(scan / "faces", KEY)
    faces.folder.mkdir()
    names = tuple(sorted(file.name for file in (scan / "in").iterdir()))
    job = face_search.FaceJob(scan / "in", faces, {"a frame": names})
    assert list(results(job, ["a frame"], 1, limits, is_isolated=True)) == [False]
    assert not list(faces.folder.iterdir())


def test_a_frame_that_could_not_be_judged_is_refused_image_by_image(scan, monkeypatch):
    monkeypatch.setattr(face_search.FaceJob, "_judge", lambda _job, _frame: False)
    result = run(options(scan, approved=True))
    assert result.counts == {"quarantined": 65}
    assert "looked at for a face" in (result.private / "quarantine.csv").read_text()
    monkeypatch.undo()
    assert run(options(scan, approved=True)).counts == {"clean": 65}
