"""The outer border of the wall where the image shows it: half-way in brightness between wall and what lies outside.

A network draws the wall too thick where fat or lung lies beside it. Along every ray from the middle of the cavity the
wall ends where the image has crossed half-way from the brightness of the wall to that of blood (fat is about as
bright) or to that of air, and stays beyond for RUN_MM. Where nothing is crossed the border stays; it is never moved
outward. Half-way is where a border lies in an image that is blurred evenly; it was not fitted.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates, median_filter

from CardiacBiomechLib.model.heart_classes import BACKGROUND, LV, MYOCARDIUM, RV

BRIGHT_BLOOD = 1.5  # blood over wall; below it brightness does not tell wall from blood
HALF_WAY = 0.5
BLUR_MM = 0.8
MIDDLE_MM = (1.5, 5.0)  # from the cavity: wall only, whatever its thickness
THINNEST_MM = 3.0
RUN_MM, STEP_MM = 1.5, 0.5
RAYS, SMOOTHED_RAYS = 72, 7
LEAST_PIXELS = 20
PIXEL_RADIUS = 0.5  # of a side of a pixel: what a ray may miss of the last pixel it passes
AIR_PERCENTILE = 2.0


def outer_wall_as_seen(labels: np.ndarray, image: np.ndarray, spacing_kji_mm: tuple[float, float, float]) -> np.ndarray:
    """Return ACDC labels (k, j, i) whose wall ends where ``image`` (same shape) shows its outer border.

    What is no longer wall becomes right cavity where that is nearer than background. A slice whose blood is not
    clearly brighter than its wall comes back as it is.
    """
    result = labels.copy()
    for k in range(len(labels)):
        outside = _beyond_the_border(labels[k], image[k].astype(np.float64), spacing_kji_mm[1:])
        if outside.any():
            result[k][outside] = _what_lies_there(labels[k], outside, spacing_kji_mm[1:])
    return result


def _beyond_the_border(labels: np.ndarray, image: np.ndarray, spacing_ji_mm: tuple[float, float]) -> np.ndarray:
    """Wall of one slice that lies outside the border seen (bool)."""
    cavity, wall = labels == LV, labels == MYOCARDIUM
    nothing = np.zeros_like(wall)
    if cavity.sum() < LEAST_PIXELS or wall.sum() < LEAST_PIXELS:
        return nothing
    smooth = gaussian_filter(image, BLUR_MM / np.array(spacing_ji_mm))
    away_mm = distance_transform_edt(~cavity, sampling=spacing_ji_mm)
    middle = wall & (away_mm > MIDDLE_MM[0]) & (away_mm < MIDDLE_MM[1])
    if not middle.any():
        return nothing
    muscle, blood, air = np.median(smooth[middle]), np.median(smooth[cavity]), np.percentile(smooth, AIR_PERCENTILE)
    if blood - air < BRIGHT_BLOOD * (muscle - air) or muscle <= air:
        return nothing
    center = np.argwhere(cavity).mean(axis=0)
    other = (smooth > muscle + HALF_WAY * (blood - muscle)) | (smooth < air + HALF_WAY * (muscle - air))
    radius_mm = _border_radius_mm(labels, other, center, spacing_ji_mm)
    places = np.argwhere(wall)
    from_center_mm = (places - center) * np.array(spacing_ji_mm)
    turn = np.arctan2(from_center_mm[:, 1], from_center_mm[:, 0]) % (2 * np.pi) / (2 * np.pi) * RAYS
    limit_mm = np.interp(turn, np.arange(RAYS + 1), np.append(radius_mm, radius_mm[0]))
    cut = (np.hypot(*from_center_mm.T) > limit_mm) & (away_mm[wall] > THINNEST_MM)
    nothing[tuple(places[cut].T)] = True
    return nothing


def _border_radius_mm(
    labels: np.ndarray, other: np.ndarray, center: np.ndarray, spacing_ji_mm: tuple[float, float]
) -> np.ndarray:
    """Distance of the border from ``center`` along every ray (RAYS,); beyond the slice where none is seen."""
    far_mm = float(np.hypot(*(np.array(labels.shape) * spacing_ji_mm)))
    along_mm = np.arange(0.0, far_mm, STEP_MM)
    angles = np.arange(RAYS) * (2 * np.pi / RAYS)
    rows = center[0] + np.cos(angles)[:, None] * along_mm / spacing_ji_mm[0]
    columns = center[1] + np.sin(angles)[:, None] * along_mm / spacing_ji_mm[1]
    seen = map_coordinates(labels, [rows, columns], order=0)
    strange = map_coordinates(other.astype(np.float32), [rows, columns], order=1) > HALF_WAY
    run, thinnest = round(RUN_MM / STEP_MM), round(THINNEST_MM / STEP_MM)
    found = np.full(RAYS, np.nan)
    for ray in range(RAYS):
        wall, cavity = np.flatnonzero(seen[ray] == MYOCARDIUM), np.flatnonzero(seen[ray] == LV)
        if not len(wall) or not len(cavity):
            continue
        inner = cavity[-1] if cavity[-1] < wall[-1] else wall[0]
        candidates = range(inner + thinnest, wall[-1] + 1)
        drawn_mm = STEP_MM * wall[-1] + PIXEL_RADIUS * max(spacing_ji_mm)
        found[ray] = next((STEP_MM * at for at in candidates if strange[ray, at : at + run].all()), drawn_mm)
    known = np.flatnonzero(~np.isnan(found))
    if len(known) < RAYS / 2:
        return np.full(RAYS, far_mm)
    found = np.interp(np.arange(RAYS), known, found[known], period=RAYS)
    return median_filter(found, size=SMOOTHED_RAYS, mode="wrap")


def _what_lies_there(labels: np.ndarray, outside: np.ndarray, spacing_ji_mm: tuple[float, float]) -> np.ndarray:
    """Return RV or BACKGROUND for every pixel of ``outside``, whichever is nearer."""
    to_right, to_nothing = (
        distance_transform_edt(labels != label, sampling=spacing_ji_mm) if (labels == label).any() else None
        for label in (RV, BACKGROUND)
    )
    if to_right is None:
        return np.full(int(outside.sum()), BACKGROUND, np.uint8)
    if to_nothing is None:
        return np.full(int(outside.sum()), RV, np.uint8)
    return np.where(to_right[outside] < to_nothing[outside], np.uint8(RV), np.uint8(BACKGROUND))
