"""What outside validators and readers say about one DICOM result of every kind that the programs write.

``python Testing/benchmarks/dicom_documents.py [--keep DIR]``. Small made-up cases (``fixtures/dicom_documents.py``) are
written as an analysis writes them, on axial and oblique images. Each file is judged by dciodvfy, DicomSRValidator and
dcmqi, as far as they know its kind; then the numbers and the ends of the axes are read back by dcmqi, highdicom and the
program's own reader of foreign results and compared with what was written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import dicom_documents as made
from LungNoduleAILib.dicom_results.write import write_dicom_results
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.lps import flip_lps_ras
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.dicom_checks.checkers import REPORT_READER, checkers_of, judge
from ThoraxAILib.io.dicom_objects.parametric_map import saliency_map
from ThoraxAILib.io.dicom_objects.source_images import source_images
from ThoraxAILib.io.dicom_objects.uids import NewInstance
from ThoraxAILib.io.foreign_results.report import read_report

AXES = ("Long Axis", "Short Axis")


def main() -> None:
    """Write, judge, read back, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="keep the documents in this folder")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as place:
        folder = options.keep or Path(place)
        results = write_all(folder)
        told = {"documents": len(_documents(folder)), **judged(folder)}
        told["largest difference"] = {name: read_back(folder / name, result) for name, result in results.items()}
    print(json.dumps(told, indent=2))


def write_all(folder: Path) -> dict[str, AnalysisResult]:
    """Write one folder for each case; return the analyses of the lung whose numbers are read back."""
    for name in ("axial", "oblique", "label_maps", "partly_outlined", "no_finding", "follow_up", "heart", "map"):
        (folder / name).mkdir(parents=True)
    results = {
        "axial": made.write_lung_documents(folder / "axial"),
        "oblique": made.write_lung_documents(folder / "oblique", made.OBLIQUE, "Reader^A"),
    }
    volume = made.write_ct(folder / "label_maps" / "ct")
    result = made.lung_result(volume, made.measured(volume))
    write_dicom_results(
        folder / "label_maps", result, source_images(folder / "label_maps" / "ct", volume), label_maps=True
    )
    first, *others = made.measured(volume)
    result = made.lung_result(volume, (replace(first, mask=None), *others))
    write_dicom_results(folder / "partly_outlined", result, source_images(folder / "label_maps" / "ct", volume))
    made.write_lung_documents(folder / "no_finding", with_findings=False)
    made.write_follow_up_documents(folder / "follow_up")
    made.write_heart_documents(folder / "heart")
    _write_map(folder / "map")
    return results


def _write_map(folder: Path) -> None:
    volume = made.write_ct(folder / "ct")
    finer = volume.ijk_to_ras @ np.diag([0.5, 0.5, 0.5, 1.0])
    importance = Volume(np.random.default_rng(2).normal(0, 3, (7, 8, 9)).astype(np.float32), finer)
    found = saliency_map(
        importance, source_images(folder / "ct", volume), "a map", NewInstance(9007, "2.25.11", "2.25.12")
    )
    found.save_as(folder / "importance.pm.dcm", enforce_file_format=True)


def _documents(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.dcm"))


def judged(folder: Path) -> dict[str, object]:
    """Return how many documents each validator judged, and every error it found."""
    from pydicom import dcmread

    counts: Counter[str] = Counter()
    errors: dict[str, list[str]] = {}
    for path in _documents(folder):
        for checker in checkers_of(str(dcmread(path, stop_before_pixels=True).SOPClassUID)):
            verdict = judge(checker, path)
            counts[checker.name] += 1
            if verdict.errors:
                errors[f"{path.parent.name}/{path.name} {checker.name}"] = list(verdict.errors)
    return {"judged": dict(counts), "errors": sum(len(found) for found in errors.values()), "which": errors}


def read_back(folder: Path, result: AnalysisResult) -> dict[str, float]:
    """Return the largest difference of numbers and of the ends of axes (mm), by each reader."""
    report = folder / "measurements.sr.dcm"
    wanted = {
        finding.id: {
            "Volume": finding.volume_mm3,
            "Diameter": finding.mean_diameter_mm,
            "Long Axis": finding.long_axis_mm,
            "Short Axis": finding.short_axis_mm,
            "Attenuation Coefficient": finding.mean_hu,
        }
        for finding in result.findings.findings
    }
    ours = {group.tracking_id: {m.name.meaning: m.value for m in group.measurements} for group in _groups(report)}
    readers = {"own reader": ours, "highdicom": _by_highdicom(report), "dcmqi": _by_dcmqi(report, folder)}
    found = {name: _difference(wanted, values) for name, values in readers.items()}
    first = result.findings.findings[0]
    ends = {"Long Axis": first.long_axis_ras_mm, "Short Axis": first.short_axis_ras_mm}
    by_own = {m.name.meaning: m.points_ras_mm for m in next(iter(_groups(report))).measurements if m.points_ras_mm}
    found["ends of axes, own reader"] = _of_ends(ends, by_own)
    found["ends of axes, highdicom"] = _of_ends(ends, _ends_by_highdicom(report))
    return {name: round(value, 6) for name, value in found.items()}


def _groups(report: Path):
    return read_report(report).groups


def _by_highdicom(report: Path) -> dict[str, dict[str, float]]:
    import highdicom as hd

    groups = hd.sr.srread(report).content.get_volumetric_roi_measurement_groups()
    return {g.tracking_identifier: {m.name.meaning: m.value for m in g.get_measurements()} for g in groups}


def _ends_by_highdicom(report: Path) -> dict[str, np.ndarray]:
    import highdicom as hd

    first = hd.sr.srread(report).content.get_volumetric_roi_measurement_groups()[0]
    axes = [m for m in first.get_measurements() if m.name.meaning in AXES]
    return {m.name.meaning: flip_lps_ras(np.asarray(m.referenced_coordinates[0].value)) for m in axes}


def _by_dcmqi(report: Path, folder: Path) -> dict[str, dict[str, float]]:
    target = folder / "dcmqi.json"
    words = [REPORT_READER.find(), "--inputDICOM", report, "--outputMetadata", target]
    subprocess.run([str(word) for word in words], check=True, capture_output=True)
    groups = json.loads(target.read_text())["Measurements"]
    return {
        group["TrackingIdentifier"]: {
            item["quantity"]["CodeMeaning"]: float(item["value"]) for item in group["measurementItems"]
        }
        for group in groups
    }


def _difference(wanted: dict[str, dict[str, float]], found: dict[str, dict[str, float]]) -> float:
    return max(abs(found[name][key] - value) for name, values in wanted.items() for key, value in values.items())


def _of_ends(wanted: dict, found: dict) -> float:
    gaps = [np.abs(np.reshape(wanted[name], (2, 3)) - np.reshape(found[name], (2, 3))).max() for name in AXES]
    return float(max(gaps))


if __name__ == "__main__":
    main()
