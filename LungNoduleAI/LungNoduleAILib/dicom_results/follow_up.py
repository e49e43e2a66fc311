"""Write what two dates say of one person as DICOM: nodules of both dates as segmentations, growth as a report.

The report lies in the study of the current date and refers to the images and segments of both. A nodule has one
tracking UID at all dates: that of the first date at which it was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.dicom_results.nodules import Nodules, tracking
from LungNoduleAILib.dicom_results.write import observer_of, without_reader
from LungNoduleAILib.model.files import FOLLOW_UP_DICOM_FILES
from LungNoduleAILib.model.growth import Growth
from LungNoduleAILib.model.pairs import FollowUp, Pair
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib import __version__
from ThoraxAILib.io.dicom_objects.measurement_report import Evidence, FindingGroup, Quantity, measurement_report
from ThoraxAILib.io.dicom_objects.segmentation import segmentation
from ThoraxAILib.io.dicom_objects.source_images import SourceImages
from ThoraxAILib.io.dicom_objects.uids import NewInstance, uid_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PRIOR_FILE, CURRENT_FILE, REPORT_FILE = FOLLOW_UP_DICOM_FILES
SERIES_NUMBERS = {PRIOR_FILE: 9011, CURRENT_FILE: 9012, REPORT_FILE: 9013}
NOW, BEFORE = 0, 1  # the evidence of the report, whose study is that of the first one


def write_follow_up_results(
    folder: Path, follow_up: FollowUp, analyses: Sequence[AnalysisResult], sources: Sequence[SourceImages]
) -> list[Path]:
    """Write the last two dates into ``folder``; what was written. ``sources`` are those of prior and current date."""
    results = {BEFORE: analyses[-2], NOW: analyses[-1]}
    images = {BEFORE: sources[-2], NOW: sources[-1]}
    nodules = {date: Nodules(results[date], _names(follow_up, date)) for date in (NOW, BEFORE)}
    written: list[tuple[str, Dataset]] = []
    evidence = []
    for date, name in ((NOW, CURRENT_FILE), (BEFORE, PRIOR_FILE)):
        items, found = nodules[date].items(), None
        if items:
            new = _new(follow_up, results[date], name)
            words = "ThoraxAI nodules of a follow-up"
            found = segmentation(items, results[date].volume, images[date], words, new)
            written.append((name, found))
        evidence.append(Evidence(images[date], found))
    groups = _groups(follow_up, results, nodules)
    new = _new(follow_up, results[NOW], REPORT_FILE)
    written.append((REPORT_FILE, measurement_report(groups, evidence, observer_of(results[NOW]), new)))
    for name, dataset in written:
        dataset.save_as(folder / name, enforce_file_format=True)
    return [folder / name for name, _dataset in written]


def _names(follow_up: FollowUp, date: int) -> dict[str, tuple[str, str]]:
    """Return tracking identifier and UID of the findings of a date, those of the first date they were found at."""
    names = {}
    for track in follow_up.tracks:
        its = track.finding_ids[-1 - date]
        if its is None:
            continue
        scan, name = next((s, n) for s, n in zip(follow_up.scans, track.finding_ids, strict=True) if n is not None)
        first = next(one for one in scan.findings if one.id == name)
        names[its] = track.id, tracking(first, scan.series_uid)[1]
    return names


def _new(follow_up: FollowUp, analysis: AnalysisResult, name: str) -> NewInstance:
    """Return number and UID of the series of a file, and the UID of this instance of it."""
    made = (name, __version__, *(scan.series_uid for scan in follow_up.scans), *sorted(analysis.methods.values()))
    sizes = [f"{one.id} {one.volume_mm3:.3f}" for scan in follow_up.scans for one in scan.findings]
    links = [f"{pair.prior_id} {pair.current_id} {pair.status}" for pair in follow_up.intervals[-1].pairs]
    return NewInstance(
        SERIES_NUMBERS[name],
        uid_of("series", *made),
        uid_of("instance", *made, *sizes, *links),
    )


def _groups(follow_up: FollowUp, results: dict[int, AnalysisResult], nodules: dict[int, Nodules]) -> list[FindingGroup]:
    """Return for each pair a group of the current date with its growth, and one of the prior date."""
    by_id = {date: {one.id: one for one in result.findings.findings} for date, result in results.items()}
    groups = []
    for pair in follow_up.intervals[-1].pairs:
        for date, its in ((NOW, pair.current_id), (BEFORE, pair.prior_id)):
            if its is None:
                continue
            group = without_reader(nodules[date].group(by_id[date][its], date))
            group = replace(group, time_point=_time_point(follow_up, date))
            if date == NOW or pair.current_id is None:
                group = replace(group, evaluations=(*group.evaluations, ("match", pair.status)))
            if date == NOW and pair.growth is not None:
                group = _with_growth(group, pair.growth, _segments(pair, nodules))
            groups.append(group)
    return groups


def _time_point(follow_up: FollowUp, date: int) -> str:
    number = len(follow_up.scans) - date
    return follow_up.scans[number - 1].date or f"scan {number}"


def _segments(pair: Pair, nodules: dict[int, Nodules]) -> tuple[tuple[int, int], ...]:
    """Return the segments of a nodule at both dates."""
    ids = ((NOW, pair.current_id), (BEFORE, pair.prior_id))
    return tuple(
        (date, nodules[date].segments[its]) for date, its in ids if its is not None and its in nodules[date].segments
    )


def _with_growth(group: FindingGroup, growth: Growth, segments: tuple[tuple[int, int], ...]) -> FindingGroup:
    """Return a group with what changed since the prior date; each number refers to the segments of both."""
    quantities = [
        Quantity("volume change", growth.volume_change_percent, "%", segments=segments),
        Quantity("diameter change", growth.diameter_change_mm, "mm", segments=segments),
    ]
    if growth.days is not None:
        quantities.append(Quantity("interval", growth.days, "d", segments=segments))
    if growth.vdt_days is not None:
        quantities.append(Quantity("doubling time", growth.vdt_days, "d", segments=segments))
    evaluations = (*group.evaluations, ("growth", growth.growth))
    return replace(group, quantities=(*group.quantities, *quantities), evaluations=evaluations)
