"""Follow-ups of two to five dates: who is matched, what is warned of, what is refused; files all at once or not at all.

The scans are boxes with two lungs; their analysis is given, so that only the follow-up itself is looked at.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from LungNoduleAILib.analysis import compare, follow_up
from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cases.two_dates.follow_up_case import follow_up_case
from LungNoduleAILib.model.findings import Finding, Findings, Lungs
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

SHAPE, STEP_MM = (40, 48, 60), 5.0
POSITIONS_ONLY = FollowUpOptions(registration=False, network=False)
DATES = ("20200110", "20200410", "20200710", "20201010", "20210110")
# R, A, S and volume of the nodules of one person
NODULES = {"a": ((60.0, 10.0, 40.0), 300.0), "b": ((-70.0, -20.0, -30.0), 500.0), "c": ((50.0, 30.0, -50.0), 800.0)}


def scan(date: str, number: int = 0, **identity) -> Volume:
    """A box of tissue with two lungs; ``number`` makes it another image."""
    array = np.full(SHAPE, 40, np.int16)
    array[5:35, 8:40, 6:26] = array[5:35, 8:40, 34:54] = -850
    array[0, 0, 0] = number
    matrix = np.diag([-STEP_MM, -STEP_MM, STEP_MM, 1.0])
    matrix[:3, 3] = (147.5, 117.5, -97.5)
    return Volume(array, matrix, identity=SeriesIdentity(series_uid=f"1.{number}", study_date=date, **identity))


def finding(name: str, place: tuple[float, float, float], volume: float, lobe: str | None = None) -> Finding:
    diameter = (6 * volume / math.pi) ** (1 / 3)
    side = "right" if place[0] > 0 else "left"
    return Finding(
        name,
        place,
        diameter,
        diameter,
        diameter,
        volume,
        "solid",
        20.0,
        volume,
        lobe or ("RUL" if side == "right" else "LLL"),
        side,
        0.9,
    )


def analysis(volume: Volume, findings: tuple[Finding, ...]) -> AnalysisResult:
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:35, 8:40, 6:26], labels[5:35, 8:40, 34:54] = 1, 4
    return AnalysisResult(volume, labels, Findings(volume.identity.series_uid, Lungs(2000.0, 2100.0), findings))


@pytest.fixture
def given(monkeypatch):
    """Let the analysis of a scan be what a test gives by series UID."""
    found: dict[str, tuple[Finding, ...]] = {}

    def analyze(volume: Volume, *_rest: object) -> AnalysisResult:
        return analysis(volume, found.get("any", found.get(volume.identity.series_uid, ())))

    monkeypatch.setattr(follow_up, "analyze", analyze)
    return found


def followed(volumes: list[Volume], options: FollowUpOptions = POSITIONS_ONLY) -> follow_up.FollowUpResult:
    return follow_up.follow_up(volumes, options, Progress(), Stages())


def statuses(result: follow_up.FollowUpResult) -> list[str]:
    return sorted(pair.status for pair in result.follow_up.intervals[-1].pairs)


def moved(shift: tuple[float, float, float], *names: str, factor: float = 1.0) -> tuple[Finding, ...]:
    return tuple(
        finding(f"N{n}", tuple(np.add(NODULES[name][0], shift).tolist()), factor * NODULES[name][1])
        for n, name in enumerate(names, start=1)
    )


def test_a_shifted_person_is_matched_with_growth_and_doubling_time(given):
    given["1.1"], given["1.2"] = moved((0, 0, 0), "a", "b", "c"), moved((6, -5, 9), "a", "b", "c", factor=2.0)
    result = followed([scan(DATES[0], 1), scan(DATES[1], 2)])
    assert statuses(result) == ["matched"] * 3
    for pair in result.follow_up.intervals[0].pairs:
        assert pair.prior_id == pair.current_id
        assert pair.growth.growth == "growing"
        assert pair.growth.vdt_days == pytest.approx(91)


def test_new_and_resolved_nodules_stay_alone(given):
    given["1.1"], given["1.2"] = moved((0, 0, 0), "a", "b"), moved((3, 2, -4), "a", "c")
    assert statuses(followed([scan(DATES[0], 1), scan(DATES[1], 2)])) == ["matched", "new", "resolved"]


def test_no_nodules_at_either_date_give_an_empty_table(given):
    result = followed([scan(DATES[0], 1), scan(DATES[1], 2)])
    assert result.follow_up.intervals[0].pairs == ()
    assert result.follow_up.to_dict()["tracks"] == []


def test_twelve_nodules_in_one_lobe_find_their_own_partners(given):
    random = np.random.default_rng(5)
    places = [
        tuple(
            (
                np.array([40 + 12 * (n % 3), -20 + 14 * (n // 3 % 4), 20 + 16 * (n % 4)]) + random.uniform(-2, 2, 3)
            ).tolist()
        )
        for n in range(12)
    ]
    given["1.1"] = tuple(finding(f"N{n}", place, 150.0 + 20 * n, "RUL") for n, place in enumerate(places))
    given["1.2"] = tuple(
        finding(f"N{n}", tuple(np.add(place, (4, -3, 5)).tolist()), 150.0 + 20 * n, "RUL")
        for n, place in enumerate(places)
    )
    pairs = followed([scan(DATES[0], 1), scan(DATES[1], 2)]).follow_up.intervals[0].pairs
    assert all(pair.prior_id == pair.current_id for pair in pairs if pair.status == "matched")
    assert sum(pair.status == "matched" for pair in pairs) >= 10


def test_five_dates_make_one_track_per_nodule(given):
    for n in range(5):
        given[f"1.{n}"] = moved((2.0 * n, -n, n), "a", "b", factor=1.3**n)
    result = followed([scan(date, n) for n, date in enumerate(DATES)])
    assert len(result.follow_up.intervals) == 4
    tracks = result.follow_up.tracks
    assert len(tracks) == 2
    assert all(None not in track.finding_ids for track in tracks)
    assert tracks[0].volumes_mm3[-1] == pytest.approx(tracks[0].volumes_mm3[0] * 1.3**4)


def test_one_lung_is_enough(given, monkeypatch):
    def analyze(volume: Volume, *_rest: object) -> AnalysisResult:
        result = analysis(volume, given[volume.identity.series_uid])
        return replace(result, labels=np.where(result.labels == 1, result.labels, 0).astype(np.uint8))

    monkeypatch.setattr(follow_up, "analyze", analyze)
    given["1.1"], given["1.2"] = moved((0, 0, 0), "a", "c"), moved((3, 2, 1), "a", "c")
    assert statuses(followed([scan(DATES[0], 1), scan(DATES[1], 2)])) == ["matched", "matched"]


def test_scans_that_look_like_two_persons_are_followed_with_a_stated_warning(given, monkeypatch):
    quality = SimpleNamespace(similarity=0.4, poor_percent=60.0, to_dict=dict)
    found = SimpleNamespace(quality=quality, notes=(), map_points_to_prior=lambda points: points)
    monkeypatch.setattr(compare, "register_lungs", lambda *_arguments, **_options: found)
    monkeypatch.setattr(compare, "difference_map", lambda *_arguments: SimpleNamespace(blobs=()))
    given["1.1"], given["1.2"] = moved((0, 0, 0), "a", "b"), moved((3, 2, 1), "a", "b")
    options = replace(POSITIONS_ONLY, registration=True, measure_again=False)
    interval = followed([scan(DATES[0], 1), scan(DATES[1], 2)], options).follow_up.intervals[0]
    assert any("check that both are of the same person" in text for text in interval.warnings)
    assert interval.pairs


@pytest.mark.parametrize(
    ("volumes", "word"),
    [
        ([scan(DATES[1], 1), scan(DATES[0], 2)], "oldest to the newest"),
        ([scan(DATES[0], 1)], "at least two"),
        ([scan(DATES[0], 1), scan(DATES[1], 1)], "same images"),
    ],
)
def test_swapped_single_and_doubled_scans_are_refused(given, volumes, word):
    with pytest.raises(InputError, match=word):
        followed(volumes)


def test_scans_that_do_not_fit_each_other_are_matched_without_registration_and_a_warning_says_so(given, monkeypatch):
    def refuse(*_arguments, **_options):
        raise InputError("The lungs of the two scans do not fit each other.")

    monkeypatch.setattr(compare, "register_lungs", refuse)
    given["1.1"], given["1.2"] = moved((0, 0, 0), "a", "b"), moved((3, 2, 1), "a", "b")
    result = followed([scan(DATES[0], 1), scan(DATES[1], 2)], replace(POSITIONS_ONLY, registration=True))
    assert statuses(result) == ["matched", "matched"]
    assert any("do not fit" in text for text in result.follow_up.intervals[0].warnings)


def test_the_reader_overrules_the_software(given):
    given["1.1"], given["1.2"] = moved((0, 0, 0), "a", "b"), moved((3, 2, 1), "a", "b")
    decisions = (LinkDecision("N1", "N1", "unlink"),)
    pairs = followed([scan(DATES[0], 1), scan(DATES[1], 2)], replace(POSITIONS_ONLY, decisions=decisions))
    rows = {(pair.prior_id, pair.current_id) for pair in pairs.follow_up.intervals[0].pairs}
    assert ("N1", "N1") not in rows


def test_unlike_scans_and_missing_dates_are_warned_of(given):
    given["1.1"], given["1.2"] = moved((0, 0, 0), "a"), moved((0, 0, 1), "a", factor=2.0)
    result = followed([scan("", 1, kernel="B30f"), scan("", 2, kernel="B70f")])
    told = " ".join(result.follow_up.intervals[0].warnings)
    assert "kernels differ" in told
    assert "date is missing" in told
    assert result.follow_up.intervals[0].pairs[0].growth.vdt_days is None


@pytest.fixture
def files(tmp_path):
    """The same person at two dates as NRRD files, which hold no dates."""
    import SimpleITK as sitk

    paths = []
    for number in (1, 2):
        image = sitk.GetImageFromArray(scan("", number).array)
        image.SetSpacing((STEP_MM,) * 3)
        paths.append(tmp_path / f"scan{number}.nrrd")
        sitk.WriteImage(image, str(paths[-1]))
    return paths


def test_a_run_writes_its_files_at_once_and_tells_how_it_came_about(given, files, tmp_path):
    given["any"] = moved((0, 0, 0), "a", "b")
    out = tmp_path / "out"
    follow_up_case(FollowUpRequest(tuple(files), out, replace(POSITIONS_ONLY, days=90), with_scene=False), Progress())
    assert {path.name for path in out.iterdir()} == {
        "pairs.json",
        "pairs.csv",
        "links.csv",
        "report.html",
        "report.pdf",
        "run.json",
        "findings_1.json",
        "findings_2.json",
        "arrays_1.npz",
        "arrays_2.npz",
        "sheets.npz",
    }
    document = json.loads((out / "pairs.json").read_text(encoding="utf-8"))
    assert document["schema"] == "thoraxai.pairs/1"
    assert [pair["status"] for pair in document["pairs"]] == ["matched", "matched"]
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["results"]["pairs"] == {"matched": 2}
    assert "Research use only" in (out / "report.html").read_text(encoding="utf-8")


def test_the_record_of_a_follow_up_names_every_engine_that_took_part(given, files, tmp_path):
    given["any"] = moved((0, 0, 0), "a", "b")
    for network, roles in ((False, []), (True, ["re-identification"])):
        out = tmp_path / f"out {network}"
        options = FollowUpOptions(registration=False, network=network, days=90)
        follow_up_case(FollowUpRequest(tuple(files), out, options, with_scene=False), Progress())
        models = json.loads((out / "run.json").read_text(encoding="utf-8"))["models"]
        asked = ["anatomy", "detector", "delineator", "opacities", *roles, "type and suspicion"]
        assert [model["role"] for model in models] == asked
        assert all(model["fingerprint"] and model["device"] for model in models)


def test_a_cancelled_run_leaves_nothing(given, files, tmp_path):
    with pytest.raises(Cancelled):
        follow_up_case(
            FollowUpRequest(tuple(files), tmp_path / "out", POSITIONS_ONLY, with_scene=False),
            Progress(is_cancelled=lambda: True),
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan1.nrrd", "scan2.nrrd"]
