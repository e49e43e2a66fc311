"""Practice with cines: the score an oracle confirms, nothing that leaks before locking, progress that a kill leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from CardiacBiomechLib.cases.practice import practice_case
from CardiacBiomechLib.cases.practice.requests import PracticeRequest
from CardiacBiomechLib.cine.read_cine import read_frames
from CardiacBiomechLib.practice.cases import make_practice_case
from CardiacBiomechLib.practice.own_cases import own_case
from CardiacBiomechLib.practice.progress import BOOK, progress_words
from CardiacBiomechLib.practice.reading import Reading, Truth, score_reading
from CardiacBiomechLib.synthesis.groups import GROUPS
from ThoraxAILib.cli.main import main
from ThoraxAILib.io.transform_files import write_image, write_labels
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.practice.open_case import keep_open_case, read_open_case
from ThoraxAILib.practice.score_book import DIFFICULTIES

COARSE = ((8, 32, 32), (16.0, 5.8, 5.8))
SILENT = Progress()


@pytest.fixture
def coarse(monkeypatch):
    """Cases of coarse voxels."""
    monkeypatch.setattr(
        practice_case, "make_practice_case", lambda seed, difficulty: make_practice_case(seed, difficulty, *COARSE)
    )


def truth_of(frames=10, whole_cycle=True, diagnosis="DCM") -> Truth:
    return Truth(Reading(1, 4, 30.0, diagnosis), frames, whole_cycle, "a heart")


def oracle(case, reading: Reading) -> tuple[int, int, float, bool]:
    """The score from the outlines of every frame: largest and smallest cavity, frames counted along either way."""
    cavity = []
    for phase in case.phases:
        moved = case.heart.at_phase(float(phase))
        points = moved.inverse(case.scanner.grid().centers_ras_mm())
        inside = (case.heart.radial_coordinate(points) < case.heart.endo_mm) & (points[..., 2] < case.heart.base_mm)
        cavity.append(int(inside.sum()))
    count = len(cavity)

    def off(told: int, true: int) -> int:
        return next(n for n in range(count) if (true - 1 + n) % count == told - 1 or (true - 1 - n) % count == told - 1)

    ed, es = int(case.phases.argmin()), int(case.phases.argmax())
    assert cavity[ed] == pytest.approx(max(cavity), rel=0.02)
    assert cavity[es] == pytest.approx(min(cavity), rel=0.02)
    ef = 100.0 * (cavity[ed] - cavity[es]) / cavity[ed]
    return off(reading.ed_frame, ed + 1), off(reading.es_frame, es + 1), abs(reading.ef_percent - ef), (
        reading.diagnosis == case.group
    )  # fmt: skip


def check_against_oracle(seed: int, difficulty: str, random, folder, progress, how=COARSE) -> None:
    case = make_practice_case(seed, difficulty, *how)
    count = len(case.phases)
    reading = Reading(
        int(random.integers(1, count + 1)),
        int(random.integers(1, count + 1)),
        float(np.round(random.uniform(5, 80), 1)),
        str(random.choice(list(GROUPS))),
    )
    request = PracticeRequest(folder, seed, difficulty, None, *vars(reading).values(), 31.0, progress=progress)
    practice_case.score_case(request, reading)
    told = json.loads((folder / "score.json").read_text(encoding="utf-8"))["score"]
    ed, es, points, right = oracle(case, reading)
    assert (told["ed_frames_off"], told["es_frames_off"], told["right"], told["seconds"]) == (ed, es, right, 31.0)
    assert told["ef_points_off"] == pytest.approx(points, abs=0.11)


def test_the_score_of_a_scripted_trainee_equals_the_oracles(coarse, tmp_path):
    random, progress = np.random.default_rng(4), tmp_path / "p.json"
    for seed, difficulty in ((1, "easy"), (1, "medium"), (1, "hard")):
        check_against_oracle(seed, difficulty, random, tmp_path / "out", progress)
    assert [(one["seed"], one["difficulty"]) for one in BOOK.read(progress)] == [(1, name) for name in DIFFICULTIES]


@pytest.mark.slow
def test_the_score_of_five_cases_as_they_are_equals_the_oracles(tmp_path):
    random, progress = np.random.default_rng(5), tmp_path / "p.json"
    for seed in range(1, 6):
        check_against_oracle(seed, DIFFICULTIES[seed % 3], random, tmp_path / "out", progress, ())
    assert len(BOOK.read(progress)) == 5


def test_frames_are_counted_around_a_whole_cycle_only():
    reading = Reading(10, 3, 33.3, "DCM")
    around = score_reading(reading, truth_of())
    assert (around.ed_frames_off, around.es_frames_off, around.ef_points_off, around.right) == (1, 1, 3.3, True)
    assert score_reading(reading, truth_of(whole_cycle=False)).ed_frames_off == 9
    assert score_reading(reading, truth_of(diagnosis="")).right is None


def test_the_same_seed_gives_the_same_case_and_groups_and_frames_do_not_follow_from_the_number():
    case, again = (make_practice_case(3, "hard", *COARSE) for _ in range(2))
    for one, other in zip(case.cine().frames, again.cine().frames, strict=True):
        np.testing.assert_array_equal(one.array, other.array)
    many = [make_practice_case(seed, "medium", *COARSE) for seed in range(1, 40)]
    assert {case.group for case in many} == set(GROUPS)
    assert len({int(case.phases.argmin()) for case in many}) > 8


def test_before_locking_nothing_in_the_folder_tells_the_truth(coarse, tmp_path):
    for seed in (1, 2):
        request = PracticeRequest(tmp_path / "case", seed, "medium", progress=tmp_path / "p.json")
        practice_case.write_case(request, SILENT)
        assert sorted(path.name for path in (tmp_path / "case").iterdir()) == ["case.json", "cine.seq.nrrd"]
        case = json.loads((tmp_path / "case" / "case.json").read_text(encoding="utf-8"))
        assert set(case) == {"seed", "difficulty", "cases", "frames", "person"}
        header = (tmp_path / "case" / "cine.seq.nrrd").read_bytes().split(b"\n\n")[0].decode("ascii")
        kept = (tmp_path / "p.open.json").read_text(encoding="utf-8")
        for text in (header, json.dumps(case), kept):
            assert not re.search(rf"\b({'|'.join(GROUPS)})\b", text)
        numbers = re.search(r"axis 3 index values:=(.*)", header)[1].split()
        assert numbers == [str(number) for number in range(1, case["frames"] + 1)]
    # a score that lay there is gone with the case it belonged to
    (tmp_path / "case" / "score.json").write_text("{}", encoding="utf-8")
    practice_case.write_case(request, SILENT)
    assert not (tmp_path / "case" / "score.json").exists()


def test_images_have_the_same_grid_and_number_of_frames_whatever_the_heart():
    shapes = {make_practice_case(seed, "easy").scanner.shape_kji for seed in range(1, 20)}
    assert len(shapes) == 1
    assert len({len(make_practice_case(seed, "easy").phases) for seed in range(1, 20)}) == 1


def test_a_case_counts_once_and_the_same_reading_may_be_shown_again(coarse, tmp_path, refused):
    reading, progress = Reading(1, 5, 50.0, "NOR"), tmp_path / "p.json"
    request = PracticeRequest(tmp_path / "out", 2, "easy", None, *vars(reading).values(), progress=progress)
    first = practice_case.score_case(request, reading)
    assert practice_case.score_case(request, reading)[:-1] == first[:-1]
    assert len(BOOK.read(progress)) == 1
    with refused("locked before"):
        practice_case.score_case(request, Reading(1, 5, 55.0, "NOR"))


def test_the_open_case_comes_again_until_it_is_locked_and_then_the_next_one(coarse, tmp_path):
    progress = tmp_path / "p.json"
    request = PracticeRequest(tmp_path / "out", difficulty="easy", progress=progress)
    names = [practice_case.write_case(request, SILENT).seed for _ in range(2)]
    reading = Reading(1, 5, 50.0, "NOR")
    practice_case.score_case(
        PracticeRequest(tmp_path / "out", None, "easy", None, *vars(reading).values(), progress=progress), reading
    )
    assert read_open_case(progress) is None
    names.append(practice_case.write_case(request, SILENT).seed)
    assert names == [1, 1, 2]
    assert (tmp_path / "p.csv").read_text(encoding="utf-8").count("\n") == 2


def test_a_kill_between_progress_and_score_loses_nothing_and_counts_nothing_twice(coarse, tmp_path, monkeypatch):
    progress, reading = tmp_path / "p.json", Reading(1, 5, 50.0, "NOR")
    request = PracticeRequest(tmp_path / "out", None, "easy", None, *vars(reading).values(), progress=progress)
    practice_case.write_case(PracticeRequest(tmp_path / "out", difficulty="easy", progress=progress), SILENT)

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(practice_case, "_document", killed)
        with pytest.raises(KeyboardInterrupt):
            practice_case.score_case(request, reading)
    assert len(BOOK.read(progress)) == 1
    practice_case.score_case(request, reading)
    assert len(BOOK.read(progress)) == 1
    assert practice_case.write_case(PracticeRequest(tmp_path / "o", None, "easy", progress=progress), SILENT).seed == 2


def test_a_process_that_is_killed_while_it_adds_leaves_a_whole_file(tmp_path):
    """Entries are added as fast as possible by another process, which is killed at moments of no choosing."""
    script = (
        "import sys; from pathlib import Path; from CardiacBiomechLib.practice.progress import BOOK, COLUMNS\n"
        "while True: BOOK.add(Path(sys.argv[1]), {name: 1 for name in COLUMNS})"
    )
    path, seen = tmp_path / "p.json", 0
    for pause_s in (0.02, 0.05, 0.08):
        child = subprocess.Popen([sys.executable, "-c", script, str(path)])
        while not path.exists() or len(BOOK.read(path)) <= seen:
            time.sleep(0.01)
        time.sleep(pause_s)
        os.kill(child.pid, signal.SIGKILL) if os.name != "nt" else child.kill()
        child.wait()
        entries = BOOK.read(path)
        assert len(entries) > seen
        seen = len(entries)


def test_progress_is_exported_as_table_and_as_json(tmp_path):
    entries = [
        dict.fromkeys(BOOK.columns)
        | {"seed": 1, "difficulty": "easy", "cases": "", "right": True, "ed_frames_off": 1, "es_frames_off": 2}
        | {"ef_points_off": 4.0}
    ]
    BOOK.export(entries, tmp_path / "a.csv")
    BOOK.export(entries, tmp_path / "a.json")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1].startswith("1,easy,")
    assert BOOK.read(tmp_path / "a.json") == entries
    assert progress_words(entries) == (
        "1 case: 1 of 1 diagnoses right, frames off by 1.5, EF by 4.0 points on average"
    )  # fmt: skip


def test_a_damaged_open_case_is_none(tmp_path):
    keep_open_case(tmp_path / "p.json", {"seed": 1})
    (tmp_path / "p.open.json").write_text("[", encoding="utf-8")
    assert read_open_case(tmp_path / "p.json") is None


def test_the_truth_says_why_by_the_published_definition_with_values_units_and_source():
    seen = set()
    for seed in range(1, 30):
        case = make_practice_case(seed, "easy", *COARSE)
        if case.group in seen:
            continue
        seen.add(case.group)
        why = case.truth().why
        assert all(sentence.startswith(f"{case.group} by Bernard et al.: ") for sentence in why[:1])
        assert re.search(r"(above|below) [\d.]+ (%|mL/m2|mm|g/m2) \(found [\d.]+ ", why[0])
        if case.group == "MINF":
            assert "infarct" in why[-1]
    assert seen == set(GROUPS)


@pytest.fixture
def patients(tmp_path):
    """Three patients as ACDC stores them, in folders whose names tell their group."""
    for number, group in enumerate(("DCM", "HCM", "NOR"), start=1):
        folder = tmp_path / "acdc" / f"{group}_patient{number:03d}"
        folder.mkdir(parents=True)
        case = make_practice_case(number, "easy", *COARSE)
        frames = case.cine().frames
        es = int(case.phases.argmax())
        for name, frame in (("01", 0), (f"{es + 1:02d}", es)):
            write_image(frames[frame], folder / f"patient_frame{name}.nii.gz")
            write_labels(case._labels(frame), folder / f"patient_frame{name}_gt.nii.gz")
        (folder / "Info.cfg").write_text(f"ED: 1\nES: {es + 1}\nGroup: {group}\nHeight: 170\nWeight: 70\n")
    return tmp_path / "acdc"


def test_cases_of_ones_own_come_in_an_order_that_tells_nothing_and_are_scored_by_the_readers(
    patients, tmp_path, refused, capsys
):
    told = [own_case(patients, number) for number in (1, 2, 3)]
    assert {case.truth().reading.diagnosis for case in told} == {"DCM", "HCM", "NOR"}
    progress = tmp_path / "p.json"
    words = ["cardiac", "practice", "--cases", str(patients), "--output", str(tmp_path / "out")]
    words += ["--progress", str(progress)]
    assert main(words) == 0
    shown = (tmp_path / "out" / "case.json").read_text(encoding="utf-8") + capsys.readouterr().out
    assert not re.search("DCM|HCM|NOR|patient0", shown.replace(str(tmp_path), ""))
    assert len(read_frames(tmp_path / "out" / "cine.seq.nrrd")) == 2
    true = told[0].truth().reading
    answer = ["--ed-frame", str(true.ed_frame), "--es-frame", str(true.es_frame)]
    answer += ["--ef-percent", str(true.ef_percent), "--diagnosis", true.diagnosis]
    assert main([*words, *answer]) == 0
    assert "You: diagnosis right, ED 0 and ES 0 frames off, EF 0 points off." in capsys.readouterr().out
    assert [(one["seed"], one["difficulty"], one["cases"]) for one in BOOK.read(progress)] == [(1, "own", "acdc")]
    with refused("holds 3, all of them"):
        own_case(patients, 4)
    with refused("no ACDC patients"):
        own_case(tmp_path / "out", 1)


def test_half_a_reading_and_frames_or_groups_that_there_are_not_are_refused(refused):
    with refused("all four"):
        _ = PracticeRequest(Path("out"), ed_frame=1).reading
    reading = Reading(1, 11, 50.0, "NOR")
    with refused("frames 1 to 10"):
        reading.check(10, tuple(GROUPS))
    with refused("choose one of"):
        Reading(1, 2, 50.0, "ABC").check(10, tuple(GROUPS))


@pytest.mark.slow
def test_the_software_reads_the_case_too_and_says_why(tmp_path):
    pytest.importorskip("torch")
    reading = Reading(1, 5, 50.0, "NOR")
    request = PracticeRequest(tmp_path, 1, "easy", None, *vars(reading).values(), analyze=True)
    lines = practice_case.score_case(request, reading)
    software = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["software"]
    assert "failed" not in software
    assert software["score"]["ef_points_off"] < 25
    assert any("coverage" in sentence for sentence in software["why"])
    assert any(line.startswith("Software: diagnosis") for line in lines)


def test_a_software_that_cannot_read_the_case_says_so(coarse, tmp_path, monkeypatch):
    from CardiacBiomechLib.cases.practice import software
    from ThoraxAILib.errors import InputError

    def no_engines(*_arguments, **_names):
        raise InputError("There is no network: install one.")

    monkeypatch.setattr(software, "choose_engines", no_engines)
    reading = Reading(1, 5, 50.0, "NOR")
    request = PracticeRequest(tmp_path, 1, "easy", None, *vars(reading).values(), analyze=True)
    lines = practice_case.score_case(request, reading)
    assert lines[1] == "The software read nothing: There is no network: install one."
