"""``thoraxai lung evaluate`` writes what a paper needs, and says in one sentence why an input cannot be used."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungNoduleAILib.model.findings import Finding, Findings, Lungs
from ThoraxAILib.cli.main import main

HEADER = "seriesuid,coordX,coordY,coordZ,"
MARKS = HEADER + "probability\na,1,0,0,0.9\na,300,0,0,0.95\nb,50,0,0,0.4\nb,310,0,0,0.8\na,400,0,0,0.99\n"
NODULES = HEADER + "diameter_mm,type\na,0,0,0,5,Solid\nb,50,0,0,9,ground-glass\nb,90,0,0,-1,solid\n"
EXCLUDED = HEADER + "diameter_mm\na,400,0,0,-1\n"


@pytest.fixture
def tables(tmp_path) -> dict[str, Path]:
    """Tables of two scans by the option that takes them."""
    texts = {"--detections": MARKS, "--annotations": NODULES, "--excluded": EXCLUDED, "--series": "seriesuid\na\nb\n"}
    paths = {}
    for option, text in texts.items():
        paths[option] = tmp_path / f"{option[2:]}.csv"
        paths[option].write_text(text, encoding="utf-8")
    return paths


def run_froc(tables: dict[str, Path | list[Path]], output: Path, *more: str) -> int:
    options = [
        str(word)
        for option, value in tables.items()
        for word in (option, *(value if isinstance(value, list) else [value]))
    ]
    return main(["lung", "evaluate", "froc", *options, "--output", str(output), *more])


def test_froc_writes_scores_curve_and_picture(tables, tmp_path, capsys):
    output = tmp_path / "out"
    assert run_froc(tables, output, "--threshold", "0.5") == 0
    found = json.loads((output / "froc.json").read_text())
    # thresholds: 0.95 false, 0.9 true, 0.8 false, 0.4 true over two scans and three nodules
    third, two = round(1 / 3, 6), round(2 / 3, 6)
    wanted = {"0.125": 0.0, "0.25": 0.0, "0.5": third, "1": two, "2": two, "4": two, "8": two}
    assert found["sensitivity_at"] == wanted
    assert found["cpm"] == pytest.approx(9 / 21, abs=1e-6)
    assert (found["nodules"], found["scans"], found["detected"]) == (3, 2, 2)
    assert found["marks"] == {
        "in_listed_scans": 5,
        "false_positives": 2,
        "doubles": 0,
        "on_excluded": 1,
        "beyond_100_per_scan": 0,
        "in_other_scans": 0,
    }
    assert found["at_threshold"] == {"threshold": 0.5, "sensitivity": third, "false_positives_per_scan": 1.0}
    interval = found["confidence_interval"]
    assert interval["low"] <= found["cpm"] <= interval["high"]
    assert (interval["confidence"], interval["resamples"]) == (0.95, 1000)
    assert capsys.readouterr().out.startswith("CPM 0.429 (95% interval ")
    with (output / "froc.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["threshold"] for row in rows] == ["inf", "0.95", "0.9", "0.8", "0.4"]
    assert [row["false_positives_per_scan"] for row in rows] == ["0", "0.5", "0.5", "1", "1"]


def test_froc_tells_sizes_and_types_apart(tables, tmp_path):
    assert run_froc(tables, tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "froc.json").read_text())
    sizes = {
        (band["from_mm"], band["to_mm"]): (band["nodules"], band["sensitivity_at"]["8"]) for band in found["per_size"]
    }
    assert sizes == {(None, None): (1, 0.0), (4.0, 6.0): (1, 1.0), (8.0, 15.0): (1, 1.0)}
    types = {name: (entry["nodules"], entry["sensitivity_at"]["8"]) for name, entry in found["per_type"].items()}
    assert types == {"ground-glass": (1, 1.0), "solid": (2, 0.5)}


def test_the_picture_shows_a_curve_that_rises_to_the_right(tables, tmp_path):
    from PIL import Image

    assert run_froc(tables, tmp_path / "out") == 0
    picture = np.asarray(Image.open(io.BytesIO((tmp_path / "out" / "froc.png").read_bytes())).convert("RGB"), dtype=int)
    line = np.abs(picture - (20, 90, 170)).sum(axis=2) < 40
    rows = [np.flatnonzero(line[:, column]) for column in (150, 440, 800)]
    heights = [row.mean() for row in rows]
    assert heights[0] > heights[1] > heights[2]


def test_the_same_run_twice_gives_the_same_bytes(tables, tmp_path):
    for name in ("one", "two"):
        assert run_froc(tables, tmp_path / name, "--seed", "4") == 0
    for file in ("froc.json", "froc.csv", "froc.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_finished_analyses_are_marks_in_ras(tables, tmp_path):
    for series, findings in (("a", [((-1.0, 0.0, 0.0), 0.9)]), ("b", [((-50.0, 0.0, 0.0), 0.4), ((50.0, 0, 0), 0.8)])):
        write_findings(tmp_path / "cases" / f"case_{series}", series, findings)
    del tables["--detections"], tables["--series"]
    assert run_froc({"--findings": [tmp_path / "cases"], **tables}, tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "froc.json").read_text())
    assert (found["detected"], found["marks"]["false_positives"], found["scans"]) == (2, 1, 2)
    folders = [tmp_path / "cases" / "case_a", tmp_path / "cases" / "case_b"]
    assert run_froc({"--findings": folders, **tables}, tmp_path / "again") == 0
    assert json.loads((tmp_path / "again" / "froc.json").read_text()) == found


def write_findings(folder: Path, series: str, places: list[tuple[tuple[float, float, float], float]]) -> None:
    findings = tuple(
        Finding(f"N{n}", center, 6.0, 6.0, 6.0, 113.0, "solid", 20.0, 100.0, None, None, confidence)
        for n, (center, confidence) in enumerate(places, start=1)
    )
    folder.mkdir(parents=True)
    content = Findings(series, Lungs(2000.0, 2400.0), findings).to_dict()
    (folder / "findings.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("--detections", HEADER + "score\n", "has no column probability"),
        ("--annotations", HEADER + "diameter_mm\nz,0,0,0,5\n", "no nodule in the listed scans"),
        ("--series", "a\na\n", "names 1 series more than once"),
        ("--excluded", HEADER + "diameter_mm\na,0,x,0,5\n", "coordY 'x'"),
    ],
)
def test_froc_says_in_one_line_what_is_wrong(tables, tmp_path, capsys, option, text, words):
    tables[option].write_text(text, encoding="utf-8")
    assert run_froc(tables, tmp_path / "out") == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_froc_needs_marks_and_a_list_of_scans(tables, tmp_path, capsys):
    series = tables.pop("--series")
    assert run_froc(tables, tmp_path / "out") == 2
    assert "--series is missing" in capsys.readouterr().err
    del tables["--detections"]
    assert run_froc({**tables, "--series": series}, tmp_path / "out") == 2
    assert "--detections" in capsys.readouterr().err
    assert run_froc({**tables, "--findings": [tmp_path]}, tmp_path / "out") == 2
    assert "holds no findings.json" in capsys.readouterr().err


def test_damaged_and_repeated_findings_are_refused(tables, tmp_path, capsys):
    write_findings(tmp_path / "cases" / "one", "a", [])
    write_findings(tmp_path / "cases" / "two", "a", [])
    del tables["--detections"]
    assert run_froc({"--findings": [tmp_path / "cases"], **tables}, tmp_path / "out") == 2
    assert "describe the same series (a)" in capsys.readouterr().err
    (tmp_path / "cases" / "two" / "findings.json").write_text("{}")
    assert run_froc({"--findings": [tmp_path / "cases"], **tables}, tmp_path / "out") == 2
    assert "findings.json in 'two' is damaged" in capsys.readouterr().err


def label_map(
    path: Path,
    labels: np.ndarray,
    spacing: tuple[float, float, float] = (1.0, 1.0, 2.0),
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Path:
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    sitk.WriteImage(image, str(path))
    return path


def two_labels() -> tuple[np.ndarray, np.ndarray]:
    reference = np.zeros((10, 20, 20), dtype=np.uint8)
    reference[2:8, 4:12, 4:12] = 1
    reference[2:8, 14:18, 4:12] = 7
    result = np.roll(reference, 4, axis=2)
    return result, reference


def run_segmentation(result: Path, reference: Path, output: Path, *more: str) -> int:
    return main(
        [
            "lung",
            "evaluate",
            "segmentation",
            "--result",
            str(result),
            "--reference",
            str(reference),
            "--output",
            str(output),
            *more,
        ]
    )


def test_segmentations_are_scored_per_label(tmp_path, capsys):
    result, reference = two_labels()
    files = [label_map(tmp_path / "result.nii.gz", result), label_map(tmp_path / "reference.nrrd", reference)]
    assert run_segmentation(*files, tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "segmentation.json").read_text())
    assert set(found["labels"]) == {"1", "7"}
    assert (found["mean_dice"], found["labels"]["1"]["dice"], found["tolerance_mm"]) == (0.5, 0.5, 2.0)
    assert found["labels"]["7"]["volume_ml"] == pytest.approx(6 * 4 * 8 * 2 / 1000)
    assert "label 1: Dice 0.5000" in capsys.readouterr().out
    assert run_segmentation(*files, tmp_path / "out", "--label", "7", "--tolerance", "4") == 0
    found = json.loads((tmp_path / "out" / "segmentation.json").read_text())
    assert (set(found["labels"]), found["labels"]["7"]["nsd"]) == ({"7"}, 1.0)


def test_label_maps_that_cannot_be_compared_are_refused_in_one_line(tmp_path, capsys):
    result, reference = two_labels()
    good = label_map(tmp_path / "good.nrrd", reference)
    moved = label_map(tmp_path / "moved.nrrd", result, origin=(3.0, 0.0, 0.0))
    image = label_map(tmp_path / "image.nrrd", np.random.default_rng(0).normal(size=(10, 20, 20)).astype(np.float32))
    negative = label_map(tmp_path / "ct.nrrd", np.full((10, 20, 20), -900, dtype=np.int16))
    empty = label_map(tmp_path / "empty.nrrd", np.zeros_like(reference))
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\n")
    (tmp_path / "table.csv").write_text("1\n")
    absent = tmp_path / "none.nrrd"
    cases = [
        (moved, good, "different grids"),
        (image, good, "no whole numbers"),
        (negative, good, "0 and above"),
        (empty, empty, "Both label maps are empty"),
        (absent, good, "none.nrrd' does not exist"),
        (tmp_path / "broken.nrrd", good, "cannot be read"),
        (tmp_path / "table.csv", good, "is no label map"),
    ]
    for first, second, words in cases:
        assert run_segmentation(first, second, tmp_path / "out") == 2
        message = capsys.readouterr().err
        assert words in message
        assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_one_scan_has_no_interval(tmp_path, capsys):
    (tmp_path / "marks.csv").write_text("seriesuid,coordX,coordY,coordZ,probability\n1.1,0,0,0,0.9\n")
    (tmp_path / "nodules.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.1,0,0,0,8\n")
    (tmp_path / "series.csv").write_text("1.1\n")
    tables = {"--detections": "marks.csv", "--annotations": "nodules.csv", "--series": "series.csv"}
    assert run_froc({option: tmp_path / name for option, name in tables.items()}, tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "froc.json").read_text())["confidence_interval"] is None
    assert capsys.readouterr().out.startswith("CPM 1.000 (no interval: one scan) on 1 nodules in 1 scans.")


def test_a_scan_that_trained_the_detector_is_caught_and_no_clean_score_is_made(tables, tmp_path, capsys):
    planted = tmp_path / "training.txt"
    planted.write_text("1.2.3\nb\n", encoding="utf-8")
    assert run_froc(tables, tmp_path / "out", "--trained-on", str(planted)) == 2
    told = capsys.readouterr().err
    assert "1 of the scans trained this detector (b)" in told
    assert "--series" in told
    assert not (tmp_path / "out").exists()
    assert run_froc(tables, tmp_path / "out", "--trained-on", str(planted), "--with-training-scans") == 0
    assert "NOT a clean score" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "froc.json").read_text())
    assert (found["is_clean"], found["training_scans"]) == (False, ["b"])


def test_other_scans_than_those_of_the_training_give_a_clean_score(tables, tmp_path):
    planted = tmp_path / "training.txt"
    planted.write_text("1.2.3\n", encoding="utf-8")
    assert run_froc(tables, tmp_path / "out", "--trained-on", str(planted)) == 0
    assert json.loads((tmp_path / "out" / "froc.json").read_text())["is_clean"] is True


@pytest.mark.parametrize("detector", ["monai-retinanet", "learned"])
def test_findings_of_a_published_detector_are_compared_with_its_training_by_themselves(
    tables, tmp_path, monkeypatch, capsys, detector
):
    monkeypatch.setenv("THORAXAI_MODELS", str(tmp_path / "models"))
    folder = tmp_path / "models" / "lung_nodule_ct_detection"
    folder.mkdir(parents=True)
    (folder / "training_series.txt").write_text("seriesuid\na\n", encoding="utf-8")
    case = tmp_path / "case"
    case.mkdir()
    findings = Findings("a", Lungs(2000.0, 2400.0), ())
    (case / "findings.json").write_text(json.dumps(findings.to_dict()), encoding="utf-8")
    record = {"models": [{"role": "anatomy", "name": "learned"}, {"role": "detector", "name": detector}]}
    (case / "run.json").write_text(json.dumps(record), encoding="utf-8")
    options = {"--annotations": tables["--annotations"], "--findings": case}
    status = run_froc(options, tmp_path / "out")
    assert status == (2 if detector == "monai-retinanet" else 0)
    assert ("trained this detector (a)" in capsys.readouterr().err) is (detector == "monai-retinanet")


def test_a_published_model_without_its_list_is_told(tables, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("THORAXAI_MODELS", str(tmp_path))
    assert run_froc(tables, tmp_path / "out", "--trained-on", "lung_nodule_ct_detection") == 2
    assert "training_series.txt" in capsys.readouterr().err
