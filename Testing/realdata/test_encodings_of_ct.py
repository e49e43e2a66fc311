"""Encodings of real files that no writer here can make: JPEG lossless and HTJ2K come out as elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from ThoraxAILib.io.slices.dicom_headers import scan_headers
from ThoraxAILib.io.slices.dicom_pixels import _stored_frames, read_stack
from ThoraxAILib.jobs.progress import Progress


@pytest.mark.parametrize("name", ["nema-ct1_jpll.dcm", "nema-ct1_j2ki.dcm"])
def test_a_compressed_ct_image_reads_as_gdcm_reads_it(shared_data, name):
    path = shared_data("dicom/encodings") / name
    (header,) = scan_headers([path]).headers
    read = read_stack([header], False, Progress())[0]
    other = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO")).squeeze()
    assert read.shape == other.shape
    assert np.array_equal(read, other)


def test_an_image_in_high_throughput_jpeg_2000_is_decoded(shared_data):
    pytest.importorskip("openjpeg", reason="pylibjpeg-openjpeg decodes HTJ2K")
    path = shared_data("dicom/encodings") / "HTJ2K_08_RGB.dcm"
    (header,) = scan_headers([path]).headers
    pixels, _rescaled = next(iter(_stored_frames(path, [(0, header)])))
    assert np.ptp(pixels) > 100
