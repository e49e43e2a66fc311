"""``thoraxai lung dataset`` counts what is there, and writes what nnU-Net v2 asks of a raw data set."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fixtures import training_folders as folders
from LungNoduleAILib.datasets.open import load_training_cases
from ThoraxAILib.cli.main import main

BALL, SECOND = (-5.0, -15.0, 112.0, 9.2), (5.0, -10.0, 120.0, 6.0)
UID = "1.2.826.0.1.3680043.10.1.502"


def check_raw_data_set(folder: Path) -> dict:
    """What nnU-Net's documentation of the format and its integrity check ask for."""
    content = json.loads((folder / "dataset.json").read_text())
    assert {"channel_names", "labels", "numTraining", "file_ending"} <= set(content)
    assert content["labels"]["background"] == 0
    assert sorted(content["labels"].values()) == list(range(len(content["labels"])))
    channels = sorted(content["channel_names"])
    assert channels == [str(n) for n in range(len(channels))]
    ending = content["file_ending"]
    labels = {path.name.removesuffix(ending) for path in (folder / "labelsTr").iterdir()}
    images = sorted(path.name for path in (folder / "imagesTr").iterdir())
    assert len(labels) == content["numTraining"]
    assert images == sorted(f"{name}_{int(channel):04d}{ending}" for name in labels for channel in channels)
    for name in labels:
        assert re.fullmatch(r"[A-Za-z0-9_]+", name)
        image = sitk.ReadImage(str(folder / "imagesTr" / f"{name}_0000{ending}"))
        label = sitk.ReadImage(str(folder / "labelsTr" / f"{name}{ending}"))
        assert image.GetSize() == label.GetSize()
        for read in ("GetSpacing", "GetOrigin", "GetDirection"):
            assert getattr(image, read)() == pytest.approx(getattr(label, read)(), abs=1e-5)
        assert set(np.unique(sitk.GetArrayFromImage(label))) <= set(content["labels"].values())
        assert np.isfinite(sitk.GetArrayFromImage(image)).all()
    return content


def test_inspect_counts_cases_nodules_sizes_and_types(tmp_path, capsys):
    folders.write_luna(tmp_path, {"1.2.3": [BALL, SECOND], "1.2.4": []}, excluded=[("1.2.4", (0.0, 0.0, 104.0, -1.0))])
    assert main(["lung", "dataset", "inspect", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "LUNA16: 2 cases, 1 of them with nodules, 2 nodules, 1 places to be ignored." in out
    assert "Diameters: 6.0 to 9.2 mm, median 7.6 mm." in out
    assert "6 to 8 mm 1, 8 to 15 mm 1, 15 to 30 mm 0, 30 mm and more 0." in out
    assert "By type: unknown 2." in out
    assert "Annotated by centers and diameters; slices 1.5 to 1.5 mm apart." in out
    assert "problem" not in out


def test_inspect_tells_problems_and_goes_on(tmp_path, capsys):
    folders.write_luna(tmp_path, {"1.2.3": [BALL], "1.2.4": [SECOND]})
    (tmp_path / "subset0" / "1.2.3.mhd").write_text("ObjectType = Image\n")
    assert main(["lung", "dataset", "inspect", str(tmp_path)]) == 0
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith("problem: ")]
    assert len(problems) == 1
    assert problems[0].startswith("problem: 1.2.3: '1.2.3.mhd' cannot be read")


def test_inspect_of_nothing_usable_ends_with_one_sentence(tmp_path, capsys):
    assert main(["lung", "dataset", "inspect", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n")
    assert main(["lung", "dataset", "inspect", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "There is no scan beside the tables" in captured.out
    assert captured.err.count("\n") == 1


def test_msd_cases_become_a_data_set_with_the_same_voxels(tmp_path, capsys):
    folders.write_msd(tmp_path / "msd", {"lung_001": [BALL, SECOND], "lung 002": []})
    output = tmp_path / "Dataset501_Nodules"
    assert main(["lung", "dataset", "export-nnunet", str(tmp_path / "msd"), "--output", str(output)]) == 0
    assert "2 of 2 cases were written" in capsys.readouterr().out
    content = check_raw_data_set(output)
    assert content["numTraining"] == 2
    assert content["description"].endswith("outlines of the data set.")
    image = sitk.ReadImage(str(output / "imagesTr" / "lung_001_0000.nii.gz"))
    assert np.array_equal(sitk.GetArrayFromImage(image), folders.ct([BALL, SECOND]))
    assert image.GetOrigin() == pytest.approx(folders.ORIGIN_LPS, abs=1e-4)
    label = sitk.GetArrayFromImage(sitk.ReadImage(str(output / "labelsTr" / "lung_001.nii.gz")))
    assert np.array_equal(label > 0, folders.ball_labels([BALL, SECOND]) > 0)


def test_a_written_data_set_is_read_back_with_the_same_nodules(tmp_path):
    folders.write_msd(tmp_path / "msd", {"lung_001": [BALL, SECOND]})
    output = tmp_path / "Dataset501_Nodules"
    assert main(["lung", "dataset", "export-nnunet", str(tmp_path / "msd"), "--output", str(output)]) == 0
    (first,), (again,) = (list(load_training_cases(path)) for path in (tmp_path / "msd", output))
    for one, other in zip(first.nodules, again.nodules, strict=True):
        assert other.center_ras_mm == pytest.approx(one.center_ras_mm, abs=1e-3)
        assert other.diameter_mm == pytest.approx(one.diameter_mm, rel=1e-5)


def test_luna_nodules_are_written_as_balls_and_the_data_set_says_so(tmp_path):
    folders.write_luna(tmp_path / "luna", {"1.2.3": [BALL]})
    output = tmp_path / "out"
    output.mkdir()
    assert main(["lung", "dataset", "export-nnunet", str(tmp_path / "luna"), "--output", str(output)]) == 0
    assert "spheres of the annotated diameter" in check_raw_data_set(output)["description"]
    label = sitk.GetArrayFromImage(sitk.ReadImage(str(output / "labelsTr" / "1_2_3.nii.gz")))
    assert np.array_equal(label, folders.ball_labels([BALL]))


def test_lidc_outlines_are_written_where_the_readers_agree(tmp_path, dicom_series):
    z = folders.slice_positions(dicom_series)
    disc = (5, 15.0, 12.0, 4.0)
    folders.write_lidc(tmp_path / "lidc", UID, [[folders.nodule_xml([disc], z)]] * 2, dicom_series)
    command = ["lung", "dataset", "export-nnunet", str(tmp_path / "lidc"), "--output"]
    assert main([*command, str(tmp_path / "three")]) == 0
    assert main([*command, str(tmp_path / "two"), "--readers", "2"]) == 0
    counts = []
    for name in ("three", "two"):
        check_raw_data_set(tmp_path / name)
        (label,) = (tmp_path / name / "labelsTr").iterdir()
        counts.append(int(sitk.GetArrayFromImage(sitk.ReadImage(str(label))).sum()))
    assert counts == [0, len(folders.disc_pixels(disc))]


def test_the_export_leaves_nothing_behind_when_it_cannot_be_done(tmp_path, capsys):
    folders.write_msd(tmp_path / "msd", {"a": [BALL]})
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    assert main(["lung", "dataset", "export-nnunet", str(tmp_path / "msd"), "--output", str(full)]) == 2
    assert "is not empty" in capsys.readouterr().err
    (tmp_path / "msd" / "labelsTr" / "a.nii.gz").write_bytes(b"broken")
    assert main(["lung", "dataset", "export-nnunet", str(tmp_path / "msd"), "--output", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert "problem: a: 'a.nii.gz' cannot be read" in message
    assert "There is no case that could be written" in message
    assert not (tmp_path / "out").exists()
    assert [path.name for path in full.iterdir()] == ["notes.txt"]
