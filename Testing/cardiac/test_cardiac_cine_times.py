"""Times, beats and odd shapes of cines in image files."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacBiomechLib.cine.beats import beat_frames, closes, differences
from CardiacBiomechLib.cine.read_cine import read_cine
from ThoraxAILib.image.grid import Grid

COUNT = 10


def beating(count: int, period: float, seed: int = 0) -> list[np.ndarray]:
    """Frames (3, 16, 16) of a disk that shrinks and grows once in ``period`` frames, with noise."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:16, :16] - 7.5
    frames = []
    for frame in range(count):
        radius = 5.0 + 2.0 * np.cos(2 * np.pi * frame / period)
        disk = 400.0 / (1 + np.exp(2 * (np.hypot(rows, columns) - radius)))
        frames.append((np.repeat(disk[None], 3, 0) + random.normal(0, 4, (3, 16, 16))).astype(np.float32))
    return frames


def write(path, frames, step: float, unit: int) -> None:
    """Write a NIfTI file with pixdim[4] and the unit of time as its header says."""
    image = sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in frames], 0.0, 1.0)
    sitk.WriteImage(image, str(path))
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, 76 + 4 * 4, step)
    content[123] = 2 | unit  # mm
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("step", "unit", "expected"),
    [
        (30.0, 16, 30.0),
        (0.03, 8, 30.0),
        (30000.0, 24, 30.0),
        (30.0, 0, 30.0),
        (0.03, 0, 30.0),
        (1.0, 8, None),
        (0.0, 8, None),
    ],
)
def test_the_time_between_frames_of_a_nifti_file_is_read_with_its_unit(tmp_path, step, unit, expected):
    write(tmp_path / "cine.nii", beating(COUNT, COUNT), step, unit)
    times = read_cine(tmp_path / "cine.nii").times_ms
    if expected is None:
        assert times is None
    else:
        assert times == pytest.approx([expected * frame for frame in range(COUNT)], rel=1e-5)


def test_a_file_of_two_beats_gives_the_first(tmp_path):
    write(tmp_path / "cine.nii", beating(40, 20.0), 40.0, 16)
    cine = read_cine(tmp_path / "cine.nii")
    assert len(cine.frames) == 20
    assert len(cine.times_ms) == 20
    assert "more than one beat" in cine.notes[-1]


def test_one_beat_stays_whole_and_half_a_beat_is_told(tmp_path):
    grid = Grid.centered((3, 16, 16), (8.0, 1.5, 1.5))
    one = differences([grid.volume(frame) for frame in beating(25, 25.0)])
    half = differences([grid.volume(frame) for frame in beating(12, 25.0)])
    assert beat_frames(one) == 25
    assert closes(one)
    assert beat_frames(half) == 12
    assert not closes(half)


def test_a_file_with_an_empty_fourth_axis_is_read(tmp_path):
    import nibabel

    frames = np.stack([frame.transpose(2, 1, 0) for frame in beating(COUNT, COUNT)], -1)[..., None, :]
    nibabel.save(nibabel.Nifti1Image(frames, np.diag([1.5, 1.5, 8.0, 1.0])), tmp_path / "cine.nii.gz")
    assert len(read_cine(tmp_path / "cine.nii.gz").frames) == COUNT


def test_frames_of_a_folder_are_a_cine(tmp_path):
    for number, frame in zip((1, 11), beating(2, 4.0), strict=True):
        sitk.WriteImage(sitk.GetImageFromArray(frame), str(tmp_path / f"patient_frame{number:02d}.nii.gz"))
    cine = read_cine(tmp_path)
    assert len(cine.frames) == 2
    assert "frames 1, 11" in cine.notes[0]
