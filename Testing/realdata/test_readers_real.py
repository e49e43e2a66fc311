"""Real scans read as their headers and references say; every real DICOM object reads or gets one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ThoraxAILib.errors import InputError
from ThoraxAILib.io import find_cases, find_series, read_volume

A0002 = "ct/Lung_Dx-A0002/Lung_Dx-A0002"
SHARP_UID = "1.3.6.1.4.1.14519.5.2.1.6655.2359.241981550240354690198744362919"


def test_a_real_chest_ct_of_99_slices_reads_as_its_positions_say(shared_data):
    volume = read_volume(shared_data("ct/C3N-00247"))
    assert volume.array.shape == (99, 512, 512)
    assert np.allclose(volume.spacing_ijk_mm, (0.564453125, 0.564453125, 3.0))
    assert volume.ijk_to_ras[2, 3] == pytest.approx(-288)
    assert volume.identity.kernel == "B70f"
    assert -1024 <= volume.array.min() < -1000
    assert volume.notes == ()


def test_of_two_kernels_the_softer_is_read_and_said_and_the_other_can_be_chosen(shared_data):
    folder = shared_data(A0002)
    soft, sharp = read_volume(folder), read_volume(folder, series_uid=SHARP_UID)
    assert (soft.identity.kernel, sharp.identity.kernel) == ("B40f", "B70f")
    assert "because its kernel is softer; not read: series 2" in soft.notes[0]
    assert SHARP_UID in soft.notes[0]
    assert np.array_equal(soft.ijk_to_ras, sharp.ijk_to_ras)
    assert soft.array.std() < sharp.array.std()
    assert {series.kernel: series.slice_count for series in find_series(folder)} == {"B70f": 30, "B40f": 30}


def test_both_kernels_are_two_cases_when_both_folders_are_named(shared_data):
    study = next(path for path in shared_data(A0002).iterdir() if path.is_dir())
    cases = find_cases(sorted(path for path in study.iterdir() if path.is_dir()))
    assert [read_volume(case.path, case.series_uid).identity.kernel for case in cases] == ["B70f", "B40f"]
    (case,) = find_cases([shared_data(A0002)])
    assert case.name == "Lung_Dx-A0002"


def test_dicom_and_nrrd_of_one_scan_agree(shared_data):
    dicom = read_volume(shared_data("ct/cip-ct64/ct-64Dicom"))
    nrrd = read_volume(shared_data("ct/cip-ct64/ct-64.nrrd"))
    assert np.array_equal(dicom.array, nrrd.array)
    assert np.allclose(dicom.ijk_to_ras, nrrd.ijk_to_ras, atol=0.01)


@pytest.mark.parametrize("name", ["baseline", "followup"])
def test_padding_of_a_cropped_scan_becomes_air_and_is_said(shared_data, name):
    volume = read_volume(shared_data(f"ct/lung-pair-elastix/3DCT_lung_{name}.mha"))
    assert volume.array.min() == -1024
    assert "stored as -2048" in volume.notes[0]


@pytest.mark.parametrize("name", ["aorta", "pulmonary"])
def test_a_contrast_crop_reads_and_its_masks_are_refused(shared_data, name):
    folder = shared_data(f"ct/totalseg-crops/{name}")
    assert read_volume(folder / "ct_cropped.nii.gz").array.dtype == np.int16
    for mask in sorted(folder.glob("*.nii.gz")):
        if mask.name != "ct_cropped.nii.gz":
            with pytest.raises(InputError, match=r"not Hounsfield units|same value"):
                read_volume(mask)


def test_two_real_slices_are_no_chest_ct(shared_data):
    with pytest.raises(InputError, match="has 2 slices where a chest CT needs at least 8"):
        read_volume(shared_data("ct/cip-ct64/crop_ct_2slices.nrrd"))


@pytest.mark.parametrize("name", ["encodings", "objects", "misc", "charset", "burned_in", "pseudo_phi"])
def test_every_single_dicom_object_is_refused_in_one_sentence(shared_data, name):
    files = sorted(path for path in shared_data(f"dicom/{name}").rglob("*") if path.suffix == ".dcm")
    assert files
    for path in files:
        with pytest.raises(InputError) as caught:  # none of them is a chest CT of 8 slices
            read_volume(path)
        message = str(caught.value)
        assert message.endswith("."), path.name
        assert not re.search(r"\n|[.!?] [A-Z]", message), message


COMPRESSED = {  # largest difference between two decoders in HU: lossy JPEG leaves the rounding of its cosines open
    "encodings/nema-ct1_jpll.dcm": 0,
    "encodings/nema-ct1_j2ki.dcm": 0,
    "encodings/explicit_VR-UN.dcm": 0,
    "encodings/bad_sequence.dcm": 0,
    "misc/privateTag.dcm": 1,
}


@pytest.mark.parametrize(("name", "difference_hu"), COMPRESSED.items())
def test_compressed_real_images_decode_to_the_hu_that_simpleitk_gives(shared_data, name, difference_hu):
    import SimpleITK as sitk

    from ThoraxAILib.io.slices.dicom_headers import scan_headers
    from ThoraxAILib.io.slices.dicom_pixels import read_stack
    from ThoraxAILib.jobs.progress import Progress

    path: Path = shared_data(f"dicom/{name}")
    ours = read_stack(scan_headers([path]).headers, as_int16=True, progress=Progress())
    theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert np.abs(ours.astype(int) - theirs).max() <= difference_hu


def test_a_real_magnetic_resonance_series_reads_when_asked_for(shared_data):
    folder = shared_data("dicom/pseudo_phi/mr_series")
    volume = read_volume(folder, modalities=("MR",))
    assert volume.array.shape == (6, 256, 256)
    assert volume.spacing_ijk_mm[2] == pytest.approx(9.6)
    with pytest.raises(InputError, match="is MR, not CT"):
        read_volume(folder)
