"""Pictures are in radiological orientation, in true proportion, and marks fall where their RAS position is."""

from __future__ import annotations

import io

import numpy as np
import pytest

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import (
    PLANES,
    Box,
    Overlay,
    Window,
    contact_sheet,
    draw_boxes,
    draw_markers,
    encoded,
    render,
    with_title,
)

ORIGIN_RAS = np.array([0.0, 0.0, 0.0])
WINDOW = Window(0, 200)
ORIENTATIONS = {
    "axial": np.diag([-1.0, -1.0, 1.0]),
    "flipped": np.diag([1.0, 1.0, -1.0]),
    "sagittal": np.array([[0, 0, -1.0], [-1.0, 0, 0], [0, -1.0, 0]]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
}


def volume_with(
    points_ras_mm: list[tuple[float, float, float]],
    direction: np.ndarray,
    spacing_ijk_mm: tuple[float, float, float] = (1.0, 1.5, 2.0),
) -> Volume:
    """A dark volume of about 80 mm around the origin, bright within 3 mm of some points."""
    spacing = np.array(spacing_ijk_mm)
    shape_ijk = np.ceil(80 / spacing).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = direction * spacing
    matrix[:3, 3] = -matrix[:3, :3] @ ((shape_ijk - 1) / 2)
    volume = Volume(np.full(shape_ijk[::-1], -100, dtype=np.int16), matrix)
    places = volume.ras_from_kji(np.moveaxis(np.indices(volume.array.shape), 0, -1))
    for point in points_ras_mm:
        volume.array[np.linalg.norm(places - point, axis=-1) < 3] = 100
    return volume


def bright_center(pixels: np.ndarray) -> tuple[float, float]:
    """Mean (row, column) of bright gray pixels as shares of the picture."""
    rows, columns = np.nonzero(pixels[..., 0] > 128)
    assert len(rows)
    return rows.mean() / pixels.shape[0], columns.mean() / pixels.shape[1]


@pytest.mark.parametrize("direction", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
@pytest.mark.parametrize(
    ("plane", "point", "half"),
    [
        ("axial", (25, 0, 0), "left"),
        ("axial", (-25, 0, 0), "right"),
        ("axial", (0, 25, 0), "top"),
        ("coronal", (25, 0, 0), "left"),
        ("coronal", (0, 0, 25), "top"),
        ("coronal", (0, 0, -25), "bottom"),
        ("sagittal", (0, 25, 0), "left"),
        ("sagittal", (0, 0, 25), "top"),
        ("sagittal", (0, -25, 0), "right"),
    ],
)
def test_the_patients_right_front_and_head_are_left_and_up(direction: np.ndarray, plane: str, point: tuple, half: str):
    picture = render(volume_with([point], direction), plane, ORIGIN_RAS, window=WINDOW)
    row, column = bright_center(picture.pixels)
    assert {"left": column < 0.3, "right": column > 0.7, "top": row < 0.3, "bottom": row > 0.7}[half]


@pytest.mark.parametrize("direction", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("field_mm", [None, 50.0])
def test_a_position_falls_on_its_pixel(direction: np.ndarray, plane: str, field_mm: float | None):
    point = np.array([7.0, -6.0, 5.0])
    picture = render(
        volume_with([tuple(point)], direction, (1.0, 1.0, 1.0)),
        plane,
        point * 0.999,
        window=WINDOW,
        field_mm=field_mm,
        pixel_mm=0.5,
    )
    x, y, depth = picture.position(point)
    rows, columns = np.nonzero(picture.pixels[..., 0] > 128)
    assert (x, y) == pytest.approx((columns.mean(), rows.mean()), abs=1.5)
    assert abs(depth) <= 0.5


def test_pixels_are_square_in_millimeters():
    picture = render(volume_with([(0, 0, 0)], ORIENTATIONS["axial"]), "coronal", ORIGIN_RAS, window=WINDOW)
    rows, columns = np.nonzero(picture.pixels[..., 0] > 128)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)


def test_a_crop_beyond_the_border_is_black_there_and_keeps_the_point_in_the_middle():
    volume = volume_with([(36, 0, 0)], ORIENTATIONS["axial"], (1.0, 1.0, 1.0))
    volume.array[volume.array < 0] = 20
    picture = render(volume, "axial", (36, 0, 0), window=WINDOW, field_mm=40, pixel_mm=0.5)
    assert picture.pixels.shape == (80, 80, 3)
    assert (picture.pixels[:, :28] == 0).all()
    row, column = bright_center(np.where(picture.pixels > 200, picture.pixels, 0))
    assert (row, column) == pytest.approx((0.5, 0.5), abs=0.03)


def test_a_slab_shows_what_lies_beside_the_slice():
    volume = volume_with([(0, 0, 8)], ORIENTATIONS["axial"])
    assert render(volume, "axial", ORIGIN_RAS, window=WINDOW).pixels.max() == 0
    assert render(volume, "axial", ORIGIN_RAS, window=WINDOW, slab_mm=20).pixels.max() > 200


@pytest.mark.parametrize("direction", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_labels_are_outlined_where_they_lie(direction: np.ndarray):
    volume = volume_with([(20, 0, 0)], direction)
    labels = (volume.array > 0).astype(np.uint8) * 3
    picture = render(volume, "axial", ORIGIN_RAS, window=WINDOW, overlay=Overlay(labels, {3: (255, 0, 0)}, fill=0.5))
    red = (picture.pixels[..., 0] > 200) & (picture.pixels[..., 1] < 40)
    half = (picture.pixels[..., 0] > 200) & (picture.pixels[..., 1] > 90) & (picture.pixels[..., 1] < 160)
    assert red.any()
    assert half.any()
    assert np.nonzero(red)[1].mean() < 0.4 * red.shape[1]


def test_boxes_are_bright_in_their_plane_and_dim_beside_it():
    volume = volume_with([], ORIENTATIONS["axial"])
    picture = render(volume, "axial", ORIGIN_RAS, window=WINDOW, pixel_mm=0.5)
    inside = draw_boxes(picture, [Box((20, 10, 0), (10, 10, 10), color=(255, 200, 0))])
    beside = draw_boxes(picture, [Box((20, 10, 25), (10, 10, 10), color=(255, 200, 0))])
    assert inside.pixels[..., 0].max() == 255
    assert 100 < beside.pixels[..., 0].max() < 200
    rows, columns = np.nonzero(inside.pixels[..., 0])
    x, y, _ = picture.position((20, 10, 0))
    assert (columns.mean(), rows.mean()) == pytest.approx((x, y), abs=1)
    assert np.ptp(columns) == pytest.approx(20, abs=3)
    assert picture.pixels.max() == 0  # the first picture is untouched


def test_words_and_markers_change_only_their_surroundings():
    picture = render(volume_with([], ORIENTATIONS["axial"]), "axial", ORIGIN_RAS, window=WINDOW, pixel_mm=0.3)
    marked = draw_markers(picture, [((20, 0, 0), "N1")])
    x, y, _ = picture.position((20, 0, 0))
    rows, columns = np.nonzero(marked.pixels.any(axis=2))
    assert abs(columns - x).max() < 60
    assert abs(rows - y).max() < 30
    assert (with_title(picture, "Axial", "R").pixels[:40, :60] > 0).any()


def test_a_sheet_holds_every_picture():
    volume = volume_with([(0, 0, 0)], ORIENTATIONS["axial"])
    pictures = [render(volume, plane, ORIGIN_RAS, window=WINDOW) for plane in PLANES]
    sheet = contact_sheet(pictures, columns=2)
    assert sheet.sum() == sum(int(picture.pixels.sum()) for picture in pictures)
    with pytest.raises(InputError, match="sheet"):
        contact_sheet([], columns=2)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_bytes_open_again(kind: str):
    from PIL import Image

    picture = render(volume_with([(0, 0, 0)], ORIENTATIONS["axial"]), "axial", ORIGIN_RAS, window=WINDOW)
    with Image.open(io.BytesIO(encoded(picture, kind))) as image:
        assert image.format == kind.upper()
        np.testing.assert_allclose(np.array(image), picture.pixels, atol=0 if kind == "png" else 60)


def test_points_and_planes_that_do_not_exist_are_told():
    volume = volume_with([], ORIENTATIONS["axial"])
    with pytest.raises(InputError, match="outside the image"):
        render(volume, "axial", (0, 0, 500))
    with pytest.raises(InputError, match="not known"):
        render(volume, "diagonal", ORIGIN_RAS)


def test_the_volume_is_not_changed():
    volume = volume_with([(0, 0, 0)], ORIENTATIONS["flipped"])
    before = volume.array.copy()
    render(volume, "axial", ORIGIN_RAS, slab_mm=10)
    assert (volume.array == before).all()
