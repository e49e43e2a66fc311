"""Stored pixels become HU: rescale, sign, bit depth, encoding, padding, and what is not HU is refused."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.slices import dicom_pixels
from ThoraxAILib.jobs.progress import Progress

HALF_A_HU = 0.51


def per_slice_rescale(module):
    def change(dataset, k):
        dataset.RescaleSlope, dataset.RescaleIntercept = 1 + 0.125 * (k % 3), -1024 - k
        module.set_hu(dataset, module.slice_hu(module.SeriesPlan(), module.origins(module.SeriesPlan())[k]))

    return change


def twelve_bits_with_an_overlay_above(module):
    def change(dataset, _k):
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelData = (module.stored_values(dataset) | 0x7000).tobytes()

    return change


def signed_twelve_bits(module):
    def change(dataset, _k):
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelData = (module.stored_values(dataset).view(np.uint16) & 0x0FFF).tobytes()

    return change


def thirty_two_bits(module):
    def change(dataset, _k):
        stored = module.stored_values(dataset)
        dataset.BitsAllocated = dataset.BitsStored = 32
        dataset.HighBit, dataset.PixelData = 31, stored.astype("<u4").tobytes()

    return change


def big_endian(module):
    def change(dataset, _k):
        dataset.PixelData = module.stored_values(dataset).byteswap().tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian

    return change


def transfer_syntax(uid):
    def changer(_module):
        def change(dataset, _k):
            dataset["PixelData"].VR = "OW"
            dataset.file_meta.TransferSyntaxUID = uid

        return change

    return changer


def run_length(_module):
    return lambda dataset, _k: dataset.compress(RLELossless)


def unchanged(_module):
    return None


STORAGE = {
    "unsigned with intercept": ({}, unchanged, 0.51),
    "signed without intercept": ({"signed": True, "intercept": 0.0}, unchanged, 0.51),
    "half HU per unit": ({"slope": 0.5}, unchanged, 0.76),
    "another rescale in every slice": ({}, per_slice_rescale, 1.2),
    "12 bits below an overlay": ({}, twelve_bits_with_an_overlay_above, 0.51),
    "12 bits with sign": ({"signed": True, "intercept": 0.0}, signed_twelve_bits, 0.51),
    "32 bits": ({}, thirty_two_bits, 0.51),
    "big endian": ({}, big_endian, 0.51),
    "implicit VR": ({}, transfer_syntax(ImplicitVRLittleEndian), 0.51),
    "deflated": ({}, transfer_syntax(DeflatedExplicitVRLittleEndian), 0.51),
    "run length encoded": ({}, run_length, 0.51),
}


@pytest.mark.parametrize(("plan", "change", "within_hu"), STORAGE.values(), ids=STORAGE)
def test_the_same_hu_come_out_however_they_were_stored(tmp_path, dicom_series, plan, change, within_hu):
    dicom_series.write_series(tmp_path, dicom_series.SeriesPlan(**plan), change(dicom_series))
    volume = read_volume(tmp_path)
    assert volume.array.dtype == np.int16
    assert dicom_series.largest_ramp_error_hu(volume) <= within_hu
    assert volume.notes == ()


def test_compressed_pixels_are_decoded_by_simpleitk_when_pydicom_has_no_decoder(tmp_path, dicom_series, monkeypatch):
    def no_decoder(_dataset):
        raise RuntimeError("no plugin")

    dicom_series.write_series(tmp_path, change=run_length(dicom_series))
    monkeypatch.setattr(dicom_pixels, "_by_pydicom", no_decoder)
    assert dicom_series.largest_ramp_error_hu(read_volume(tmp_path)) <= HALF_A_HU


def test_a_dicom_file_that_is_a_nrrd_header_too_brings_no_other_file(tmp_path, dicom_series, monkeypatch):
    """The 128 bytes before DICM may be anything (PS3.10, 7.1); ITK would take them for the header of an image."""
    (tmp_path / "secret.txt").write_bytes(bytes(range(256)) * 64)
    dicom_series.write_series(tmp_path / "series", change=run_length(dicom_series))
    header = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 8 8 8\nencoding: raw\ndata file: ../secret.txt\n\n"
    for path in (tmp_path / "series").iterdir():
        path.write_bytes(header.ljust(128, b"\0") + path.read_bytes()[128:])
    read, read_image = [], sitk.ReadImage

    def no_decoder(_dataset):
        raise RuntimeError("no plugin")

    def noting(*given, **options):
        read.append(options)
        return read_image(*given, **options)

    monkeypatch.setattr(dicom_pixels, "_by_pydicom", no_decoder)
    monkeypatch.setattr(sitk, "ReadImage", noting)
    assert dicom_series.largest_ramp_error_hu(read_volume(tmp_path / "series")) <= HALF_A_HU
    assert {options["imageIO"] for options in read} == {"GDCMImageIO"}


def test_pixels_that_nothing_can_decode_are_refused_with_the_name_of_their_encoding(
    tmp_path, dicom_series, refused, monkeypatch
):
    def no_decoder(*_arguments, **_options):
        raise RuntimeError("no plugin")

    dicom_series.write_series(tmp_path, change=run_length(dicom_series))
    monkeypatch.setattr(dicom_pixels, "_by_pydicom", no_decoder)
    monkeypatch.setattr("SimpleITK.ReadImage", no_decoder)
    with refused("cannot be decompressed \\(RLE Lossless\\)"):
        read_volume(tmp_path)


@pytest.mark.parametrize("padding_hu", [-2048, -3024])
def test_padding_outside_the_scan_becomes_air_and_is_said(tmp_path, dicom_series, padding_hu):
    def pad(dataset, _k):
        values = dicom_series.stored_values(dataset)
        values[:3] = padding_hu
        dataset.PixelPaddingValue, dataset.PixelData = padding_hu, values.tobytes()

    dicom_series.write_series(tmp_path, dicom_series.SeriesPlan(signed=True, intercept=0.0), pad)
    volume = read_volume(tmp_path)
    assert set(np.unique(volume.array[:, :3])) == {-1024}
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU
    assert volume.notes == (
        f"Voxels outside the scanned field (stored as {padding_hu}, 15.0 % of the image) were set to -1024 HU.",
    )


def test_a_monochrome1_series_keeps_its_hu_and_says_so(tmp_path, dicom_series):
    def display_inverted(dataset, _k):
        dataset.PhotometricInterpretation = "MONOCHROME1"

    dicom_series.write_series(tmp_path, change=display_inverted)
    volume = read_volume(tmp_path)
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU
    assert "MONOCHROME1" in volume.notes[0]


def test_a_monochrome1_series_with_inverted_values_is_refused(tmp_path, dicom_series, refused):
    plan = dicom_series.SeriesPlan(signed=True, intercept=0.0)

    def inverted(dataset, k):
        dataset.PhotometricInterpretation = "MONOCHROME1"
        hu = np.where(np.arange(plan.columns) < 8, -700, 900 - k) * np.ones((plan.rows, 1))
        dicom_series.set_hu(dataset, hu)

    dicom_series.write_series(tmp_path, plan, inverted)
    with refused("MONOCHROME1 with inverted values"):
        read_volume(tmp_path)


def test_hu_without_a_stated_rescale_are_taken_when_they_reach_air_and_said(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path, dicom_series.SeriesPlan(signed=True, slope=None))
    volume = read_volume(tmp_path)
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU
    assert "states no rescale" in volume.notes[0]


def stored_without_rescale(module):
    def change(dataset, _k):
        del dataset.RescaleSlope, dataset.RescaleIntercept

    return change


def attribute(name, value):
    return lambda _module: lambda dataset, _k: setattr(dataset, name, value)


def constant(module):
    return lambda dataset, _k: module.set_hu(dataset, np.full((dataset.Rows, dataset.Columns), 40))


def color(_module):
    def change(dataset, _k):
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit, dataset.PixelData = 7, bytes(dataset.Rows * dataset.Columns * 3)

    return change


NOT_HU = {
    "stored values": (stored_without_rescale, "stored values without their rescale, where air is near 0"),
    "effective atomic number": (attribute("RescaleType", "Z_EFF"), "has values in Z_EFF, not HU"),
    "one value": (constant, "has the same value \\(40\\)"),
    "color pictures": (color, "is a color picture \\(RGB\\)"),
    "PET": (attribute("Modality", "PT"), "is PT, not CT"),
    "localizer": (attribute("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), "is a localizer"),
    "no position": (attribute("ImagePositionPatient", None), "without position, orientation or pixel spacing"),
    "no pixel spacing": (attribute("PixelSpacing", None), "without position, orientation or pixel spacing"),
    "axes not at right angles": (attribute("ImageOrientationPatient", [1, 0, 0, 0.2, 0.98, 0]), "not at right angles"),
    "parallel axes": (attribute("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), "that is no plane"),
}


@pytest.mark.parametrize(("change", "words"), NOT_HU.values(), ids=NOT_HU)
def test_a_series_that_is_no_ct_volume_in_hu_is_refused_in_one_sentence(tmp_path, dicom_series, refused, change, words):
    dicom_series.write_series(tmp_path, change=change(dicom_series))
    with refused(words):
        read_volume(tmp_path)


def test_a_truncated_file_is_refused_by_its_name(tmp_path, dicom_series, refused):
    path = dicom_series.write_series(tmp_path)[4]
    path.write_bytes(path.read_bytes()[:-300])
    with refused(f"'{path.name}' (is truncated|ends before its pixels)"):
        read_volume(tmp_path)


def test_a_file_cut_within_its_header_counts_as_damaged_and_its_slice_as_missing(tmp_path, dicom_series):
    path = dicom_series.write_series(tmp_path)[4]
    path.write_bytes(path.read_bytes()[:700])
    volume = read_volume(tmp_path)
    assert volume.array.shape[0] == 12
    assert "Left out: 1 damaged DICOM file." in volume.notes
    assert any("1 missing slice was filled" in note for note in volume.notes)


def test_two_slices_are_no_chest_ct(tmp_path, dicom_series, refused):
    dicom_series.write_series(tmp_path, dicom_series.SeriesPlan(count=2))
    with refused("has 2 slices where a chest CT needs at least 8"):
        read_volume(tmp_path)


def test_a_magnetic_resonance_series_is_read_only_when_asked_for(tmp_path, dicom_series):
    plan = dicom_series.SeriesPlan(modality="MR", signed=True, slope=None, count=3)
    dicom_series.write_series(tmp_path, plan)
    with pytest.raises(InputError, match="is MR, not CT"):
        read_volume(tmp_path)
    volume = read_volume(tmp_path, modalities=("MR",))
    assert (volume.modality, volume.array.dtype, volume.array.shape) == ("MR", np.int16, (3, 20, 24))


def test_reading_reports_progress_and_stops_when_cancelled(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path)
    fractions: list[float] = []
    read_volume(tmp_path, progress=Progress(lambda fraction, _text: fractions.append(fraction)))
    assert fractions == sorted(fractions)
    assert fractions[-1] >= 0.9
    with pytest.raises(Cancelled):
        read_volume(tmp_path, progress=Progress(is_cancelled=lambda: True))
