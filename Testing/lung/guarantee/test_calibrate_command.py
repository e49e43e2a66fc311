"""``thoraxai lung calibrate`` makes a threshold that keeps a promise; an analysis takes it for its detector only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from LungNoduleAILib.analysis.engines import choose_engines
from LungNoduleAILib.analysis.threshold import choose_threshold
from LungNoduleAILib.guarantee.calibrate import calibrate
from LungNoduleAILib.guarantee.calibration import read_calibration
from LungNoduleAILib.guarantee.loss_tables import ScanLosses, losses_of_marks, read_losses
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.statistics.marks import Marks, Places
from ThoraxAILib.statistics.risk_control import LossTable

THRESHOLDS = np.linspace(0, 1, 21)


def losses_of(scores: np.ndarray) -> np.ndarray:
    """Losses (scans, 21) of scans with the scores (scans, nodules)."""
    return 1 - (scores[:, :, None] >= THRESHOLDS - 1e-12).mean(axis=1)


def write_losses(path: Path, losses: np.ndarray, site: list[str] | None = None) -> Path:
    header = ["scan", *(["site"] if site else []), *(f"{value:.2f}" for value in THRESHOLDS)]
    rows = [
        [f"scan{n}", *([site[n]] if site else []), *(repr(float(value)) for value in row)]
        for n, row in enumerate(losses)
    ]
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    losses = losses_of(generator.beta(4, 2, (60, 4)))
    return write_losses(tmp_path / "losses.csv", losses, ["north", "south"] * 30)


def test_a_table_of_losses_gives_the_threshold_of_the_formula(table: Path, tmp_path: Path) -> None:
    target = tmp_path / "calibration.json"
    assert main(["lung", "calibrate", "--losses", str(table), "--alpha", "0.1", "--output", str(target)]) == 0
    told = json.loads(target.read_text())
    losses = read_losses(table).table.losses
    held = THRESHOLDS[(60 * losses.mean(axis=0) + 1) / 61 <= 0.1]
    assert told["threshold"] == pytest.approx(held.max())
    assert told["scans"] == 60
    assert told["alpha"] == 0.1
    assert "At least 90% of the nodules" in told["promise"]


def test_an_impossible_alpha_is_one_sentence_and_leaves_no_file(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    target = tmp_path / "calibration.json"
    assert main(["lung", "calibrate", "--losses", str(table), "--alpha", "0.01", "--output", str(target)]) != 0
    assert "at least 99 scans are needed" in capsys.readouterr().err
    assert not target.exists()


def test_each_stratum_has_its_own_threshold_and_a_small_one_takes_the_pooled_by_name(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    scores = np.concatenate(
        [generator.beta(8, 2, (80, 4)), generator.beta(3, 3, (40, 4)), generator.beta(5, 2, (4, 4))]
    )
    site = ["easy"] * 80 + ["hard"] * 40 + ["rare"] * 4
    path = write_losses(tmp_path / "losses.csv", losses_of(scores), site)
    found = calibrate(read_losses(path), 0.1, groups="site")
    easy, hard, rare = found.strata
    assert easy.threshold > found.threshold > hard.threshold
    assert hard.pooled_breaks
    assert not easy.pooled_breaks
    assert hard.risk_of_pooled > 0.1 >= hard.risk
    assert rare.pooled
    assert rare.threshold == found.threshold
    assert "at least 9" in rare.reason


def test_by_stratum_the_promise_holds_in_each_where_the_pooled_one_fails() -> None:
    generator = np.random.default_rng(2)
    pools = {"easy": losses_of(generator.beta(8, 2, (3000, 4))), "hard": losses_of(generator.beta(3, 3, (3000, 4)))}
    alpha, draws = 0.15, 300
    own = {name: np.empty(draws) for name in pools}
    pooled = {name: np.empty(draws) for name in pools}
    for draw in range(draws):
        chosen = {name: generator.choice(3000, 80, replace=False) for name in pools}
        rows = np.concatenate([pools[name][chosen[name][:40]] for name in pools])
        names = tuple(name for name in pools for _ in range(40))
        found = calibrate(ScanLosses(LossTable.of(THRESHOLDS, rows), {"site": names}), alpha, groups="site")
        for stratum in found.strata:
            fresh = pools[stratum.name][chosen[stratum.name][40:]]
            for kept, threshold in ((own, stratum.threshold), (pooled, found.threshold)):
                kept[stratum.name][draw] = fresh[:, int(np.searchsorted(THRESHOLDS, threshold - 1e-9))].mean()
    for name, losses in own.items():
        error = losses.std(ddof=1) / np.sqrt(draws)
        assert losses.mean() <= alpha + 3 * error, name
    error = pooled["hard"].std(ddof=1) / np.sqrt(draws)
    assert pooled["hard"].mean() > alpha + 3 * error


def test_nodules_that_no_mark_hit_are_lost_at_every_threshold() -> None:
    marks = Marks(np.array(["a", "a", "b"]), np.array([[0, 0, 0], [90, 0, 0], [5, 0, 0]]), np.array([0.8, 0.3, 0.6]))
    nodules = Places(
        np.array(["a", "a", "b"]), np.array([[1, 0, 0], [200, 0, 0], [5, 1, 0]]), np.array([8.0, 8.0, 8.0])
    )
    found = losses_of_marks(marks, nodules, Places.none(), ("a", "b", "c"))
    thresholds, losses = found.table.thresholds, found.table.losses
    assert losses[0, 0] == 0.5
    assert losses[1, 0] == 0.0
    at = int(np.searchsorted(thresholds, 0.7))
    assert losses[:, at].tolist() == [0.5, 1.0]
    assert found.false_marks is not None
    assert found.false_marks[:, 0].tolist() == [1.0, 0.0, 0.0]


def test_an_analysis_takes_the_threshold_of_its_own_detector_and_refuses_another(table: Path, tmp_path: Path) -> None:
    target = tmp_path / "calibration.json"
    made = ["lung", "calibrate", "--losses", str(table), "--output", str(target), "--data-set", "TEST"]
    assert main([*made, "--detector", "classical", "--alpha", "0.2"]) == 0
    options = AnalysisOptions(detector="classical", anatomy="classical", calibration=target)
    engines = choose_engines(options)
    assert engines.detector is not None
    volume = Volume(np.zeros((4, 4, 4), np.int16), np.diag([-1.0, -1.0, 2.0, 1.0]))
    chosen = choose_threshold(options, engines.detector.made, volume)
    assert chosen.threshold == read_calibration(target).threshold
    assert "80%" in chosen.reason
    content = json.loads(target.read_text())
    content["detector"]["fingerprint"] = "another"
    target.write_text(json.dumps(content))
    with pytest.raises(InputError, match="calibrate that one"):
        choose_engines(options)


def test_a_calibration_without_a_detector_is_refused(table: Path, tmp_path: Path) -> None:
    target = tmp_path / "calibration.json"
    assert main(["lung", "calibrate", "--losses", str(table), "--output", str(target)]) == 0
    with pytest.raises(InputError, match="not tied to a detector"):
        choose_engines(AnalysisOptions(detector="classical", anatomy="classical", calibration=target))


def test_a_scan_unlike_the_calibration_gets_a_warning(tmp_path: Path) -> None:
    losses = read_losses(write_losses(tmp_path / "losses.csv", losses_of(np.full((30, 2), 0.9))))
    described = ScanLosses(losses.table, {"slice_mm": ("1.0",) * 15 + ("2.5",) * 15})
    made = calibrate(described, detector=None)
    assert made.slice_range_mm == (1.0, 2.5)
    target = tmp_path / "calibration.json"
    content = {**made.to_dict(), "detector": None}
    engines = choose_engines(AnalysisOptions(detector="classical", anatomy="classical"))
    assert engines.detector is not None
    detector = engines.detector.made
    content["detector"] = {"name": detector.name, "fingerprint": detector.fingerprint}
    target.write_text(json.dumps(content))
    options = AnalysisOptions(detector="classical", calibration=target)
    for slice_mm, warned in ((2.0, False), (5.0, True)):
        volume = Volume(np.zeros((4, 4, 4), np.int16), np.diag([-1.0, -1.0, slice_mm, 1.0]))
        assert bool(choose_threshold(options, detector, volume).warning) is warned


def test_a_threshold_and_a_calibration_exclude_each_other() -> None:
    with pytest.raises(InputError, match="leave out one"):
        AnalysisOptions(threshold=0.5, calibration=Path("calibration.json"))


@pytest.mark.parametrize("text", ["", "scan,site\na,b\n", "0,0.5\n0.1\n", "0,0.5\n0.1,x\n"])
def test_what_is_no_table_of_losses_is_told_in_one_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "losses.csv"
    path.write_text(text)
    assert main(["lung", "calibrate", "--losses", str(path), "--output", str(tmp_path / "c.json")]) != 0
    told = capsys.readouterr().err.strip()
    assert "losses.csv" in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


def test_marks_and_annotations_give_reliability_and_predictive_value(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    header = "seriesuid,coordX,coordY,coordZ,"
    marks, nodules, series = [], [], []
    for scan in range(80):
        uid = f"1.2.{scan}"
        series.append(uid)
        if scan % 2:
            nodules.append(f"{uid},0,0,0,8")
            marks.append(f"{uid},1,0,0,{generator.uniform(0.4, 1):.4f}")
        if generator.random() < 0.5:
            marks.append(f"{uid},90,0,0,{generator.uniform(0, 0.6):.4f}")
    (tmp_path / "marks.csv").write_text(header + "probability\n" + "\n".join(marks) + "\n")
    (tmp_path / "nodules.csv").write_text(header + "diameter_mm\n" + "\n".join(nodules) + "\n")
    (tmp_path / "series.csv").write_text("\n".join(series) + "\n")
    target = tmp_path / "calibration.json"
    names = {"--detections": "marks", "--annotations": "nodules", "--series": "series"}
    words = [word for option, name in names.items() for word in (option, str(tmp_path / f"{name}.csv"))]
    assert main(["lung", "calibrate", *words, "--output", str(target), "--prevalence", "0.05"]) == 0
    told = json.loads(target.read_text())
    bounds = told["reliability"]["interval"]
    assert bounds["low"] <= told["reliability"]["expected_calibration_error"] <= bounds["high"]
    value = told["predictive_value"]
    by_hand = value["scans_with_nodule_marked"] * 0.05
    by_hand /= by_hand + value["scans_without_nodule_marked"] * 0.95
    assert value["value"] == pytest.approx(by_hand, abs=1e-5)
    assert read_calibration(target).false_marks_per_scan is not None
