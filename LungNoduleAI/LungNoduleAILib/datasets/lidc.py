"""LIDC-IDRI folders as training cases: DICOM series with the XML files of their readers."""

from __future__ import annotations

from functools import cached_property
from os.path import commonpath
from pathlib import Path

import numpy as np

from LungNoduleAILib.datasets.lidc_consensus import Drawing, consensus, draw, group, slice_of
from LungNoduleAILib.datasets.lidc_xml import LidcReport, is_lidc_xml, read_lidc_xml
from LungNoduleAILib.datasets.training_case import MIN_READERS, IgnoredPlace, TrainingCase, TrainingNodule, inside
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import SeriesSummary, find_series, read_volume

STRAIGHT = 1e-3


class LidcData:
    """The series of a folder that have an XML file; a nodule counts when ``least_readers`` readers drew it."""

    kind = "LIDC"

    def __init__(self, folder: Path, least_readers: int = MIN_READERS) -> None:
        self._folder, self._least_readers = folder, least_readers
        self._reports: dict[str, tuple[Path, LidcReport]] = {}
        problems = []
        for path in sorted(folder.rglob("*.xml")):
            if not is_lidc_xml(path):
                continue
            try:
                report = read_lidc_xml(path)
            except InputError as error:
                problems.append(str(error))
                continue
            if report.series_uid in self._reports:
                problems.append(
                    f"'{path.name}' describes a series that another XML file describes already, the first is taken."
                )
            self._reports.setdefault(report.series_uid, (path, report))
        self.names, self.problems = tuple(self._reports), tuple(problems)

    @staticmethod
    def is_at(folder: Path) -> bool:
        """Whether there is an XML file of LIDC's CT readings below a folder."""
        return any(is_lidc_xml(path) for path in folder.rglob("*.xml"))

    def load(self, name: str) -> TrainingCase:
        """One series with what enough readers agree on; everything else they marked is an ignored place."""
        if name not in self._reports:
            raise InputError(f"There is no reading of the series '{name}' in this folder.")
        path, report = self._reports[name]
        volume = self._read(path.parent, name)
        drawings = [draw(reading, volume) for reading in report.readings]
        known = [drawing for drawing in drawings if drawing is not None]
        notes = volume.notes
        if len(known) < len(drawings):
            notes += (
                f"{len(drawings) - len(known)} of {len(drawings)} outlines lie outside the image and were left out.",
            )
        nodules, mask, ignored = self._agreed(known, volume)
        return TrainingCase(name, volume, nodules, mask, (*ignored, *_points(report, volume)), notes)

    def _agreed(
        self, drawings: list[Drawing], volume: Volume
    ) -> tuple[tuple[TrainingNodule, ...], np.ndarray, list[IgnoredPlace]]:
        mask = np.zeros(volume.array.shape, dtype=np.uint16)
        nodules, ignored = [], []
        for members in group(drawings, float(volume.spacing_ijk_mm[0])):
            nodule, voxels = consensus(members, volume)
            if known(nodule.readers, "the number of readers") < self._least_readers:
                ignored.append(
                    IgnoredPlace(nodule.center_ras_mm, nodule.diameter_mm, f"drawn by {nodule.readers} of the readers")
                )
                continue
            nodules.append(nodule)
            mask[tuple(voxels.T)] = len(nodules)
        return tuple(nodules), mask, ignored

    def _read(self, beside: Path, series_uid: str) -> Volume:
        """Return the CT of a series: looked for beside its XML file, then in the whole folder."""
        folder = beside
        series = _series_at(beside).get(series_uid)
        if series is None:
            series = self._everywhere.get(series_uid)
            if series is None:
                raise InputError(f"The DICOM images of the series '{series_uid}' are not in the folder: add them.")
            folder = Path(commonpath([str(file.parent) for file in series.files]))
        volume = read_volume(folder, series.choice or None)
        if abs(abs(volume.ijk_to_ras[2, 2]) - np.linalg.norm(volume.ijk_to_ras[:3, 2])) > STRAIGHT:
            raise InputError(
                f"The series '{series_uid}' is not axial, but LIDC places outlines by axial slices: leave it out."
            )
        return volume

    @cached_property
    def _everywhere(self) -> dict[str, SeriesSummary]:
        return _series_at(self._folder)


def _series_at(folder: Path) -> dict[str, SeriesSummary]:
    """Return the usable series at a folder by their UID; none where there is no DICOM."""
    try:
        return {series.series_uid: series for series in find_series(folder) if series.usable}
    except InputError:
        return {}


def _points(report: LidcReport, volume: Volume) -> list[IgnoredPlace]:
    """Small nodules and non-nodules, where they lie in the image."""
    places = []
    for mark in report.points:
        center = volume.ras_from_kji(np.array([slice_of(volume, mark.z_mm), mark.y, mark.x]))
        if inside(volume, center):
            places.append(IgnoredPlace(three(float(x) for x in center), None, mark.meaning))
    return places
