"""``thoraxai anonymize``: its exit statuses, its key, its check, and one sentence for every mistake."""

from __future__ import annotations

import json
import os

import pytest
from pydicom import dcmread

from AnonymizerLib.logic.job import anonymize_job
from AnonymizerLib.run.request import AnonymizeRequest
from fixtures import option_values
from fixtures.anonymizer_studies import ct, save
from ThoraxAILib.cli.main import build_parser, main

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("THORAXAI_KEY_PASSWORD", PASSWORD)


@pytest.fixture
def study(tmp_path):
    for number in range(1, 4):
        save(ct(number), tmp_path / "in" / f"{number}.dcm")
    return tmp_path


def outputs(folder):
    return sorted(folder.rglob("*.dcm"))


def test_a_clean_run_ends_with_0_and_says_where_to_look(study, capsys):
    assert main(["anonymize", str(study / "in"), str(study / "out")]) == 0
    said = capsys.readouterr().out
    assert "3 clean, 0 in quarantine, 0 left out." in said
    assert "anonymous as far as its attributes go" in said
    assert "report.html" in said


def test_something_in_quarantine_ends_with_3(study, capsys):
    ds = ct(7)
    ds.BurnedInAnnotation = "YES"
    save(ds, study / "in" / "7.dcm")
    assert main(["anonymize", str(study / "in"), str(study / "out")]) == 3
    assert "states burned-in annotation" in capsys.readouterr().out
    assert len(outputs(study / "out")) == 3


def test_the_same_key_file_links_two_runs_and_makes_the_result_pseudonymous(study, capsys):
    key = str(study / "keys" / "project.key")
    for name in ("a", "b"):
        assert main(["anonymize", str(study / "in"), str(study / name), "--key", key]) == 0
    assert "pseudonymous" in capsys.readouterr().out
    first, second = ([dcmread(path).SOPInstanceUID for path in outputs(study / name)] for name in ("a", "b"))
    assert first == second
    assert main(["anonymize", str(study / "in"), str(study / "c")]) == 0
    assert [dcmread(path).SOPInstanceUID for path in outputs(study / "c")] != first


def test_a_wrong_password_opens_nothing(study, capsys, monkeypatch):
    key = str(study / "project.key")
    assert main(["anonymize", str(study / "in"), str(study / "a"), "--key", key]) == 0
    monkeypatch.setenv("THORAXAI_KEY_PASSWORD", "something else")
    assert main(["anonymize", str(study / "in"), str(study / "b"), "--key", key]) == 2
    assert "password is wrong" in capsys.readouterr().err
    assert not (study / "b").exists()


def test_without_a_password_and_a_terminal_it_says_so(study, capsys, monkeypatch):
    monkeypatch.delenv("THORAXAI_KEY_PASSWORD")
    monkeypatch.setattr("sys.stdin", open(os.devnull, encoding="utf-8"))
    assert main(["anonymize", str(study / "in"), str(study / "a"), "--key", str(study / "project.key")]) == 2
    assert "THORAXAI_KEY_PASSWORD" in capsys.readouterr().err


def test_a_destroyed_key_cannot_be_used_again(study, capsys):
    key = study / "project.key"
    assert main(["anonymize", str(study / "in"), str(study / "a"), "--key", str(key)]) == 0
    assert main(["anonymize", "destroy-key", str(key)]) == 0
    assert not key.exists()
    assert main(["anonymize", "destroy-key", str(study / "in" / "1.dcm")]) == 2
    assert (study / "in" / "1.dcm").exists()


def test_check_passes_a_clean_output_and_refuses_a_bad_one(study, capsys):
    assert main(["anonymize", str(study / "in"), str(study / "out"), "--profile", "research"]) == 0
    check = ["anonymize", "check", str(study / "out"), "--against", str(study / "in"), "--profile", "research"]
    assert main(check) == 0
    path = outputs(study / "out")[0]
    ds = dcmread(path)
    ds.ImageComments = "asked for by Ottoline Quillfeather"
    ds.save_as(path)
    assert main(check) == 3
    said = capsys.readouterr().out
    assert "0020,4000" in said
    assert "Quillfeather" not in said


def test_options_rules_patients_and_regions_reach_the_engine(study):
    (study / "rules.yaml").write_text("keep:\n  - InstitutionName\nreplace:\n  StationName: Scanner A\n")
    (study / "patients.csv").write_text("MRN-4711,Case 1\n")
    assert (
        main(
            [
                "anonymize",
                str(study / "in"),
                str(study / "out"),
                "--options",
                "full-dates",
                "clean-descriptors",
                "--rules",
                str(study / "rules.yaml"),
                "--patients",
                str(study / "patients.csv"),
                "--jobs",
                "2",
                "--blank",
                "0,0,4,4",
            ]
        )
        == 0
    )
    ds = dcmread(outputs(study / "out")[0])
    assert (ds.PatientID, ds.InstitutionName, ds.StationName, ds.StudyDate) == (
        "Case 1",
        "Mosswood Infirmary",
        "Scanner A",
        "20240229",
    )
    assert ds.LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_events_tell_progress_and_the_result(study, capsys):
    assert main(["anonymize", str(study / "in"), str(study / "out"), "--events", "-"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1] == {"event": "result", "output": str(study / "out")}
    assert [event["event"] for event in events[:-1]] == ["progress"] * (len(events) - 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere/such", "out"], "nowhere/such' does not exist"),
        (["in", "in"], "overlap"),
        (["in", "out", "--profile", "none"], "There is no profile"),
        (["in", "out", "--options", "no-such"], "There is no option"),
        (["in", "out", "--options", "full-dates", "modified-dates"], "contradict each other"),
        (["in", "out", "--blank", "1,2"], "left,top,width,height"),
        (["in", "out", "--jobs", "0"], "at least 1"),
        (["in", "out", "--rules", "absent.yaml"], "cannot be read"),
        (["check", "in"], "--against"),
        (["in", "out", "--key", "out/project.key"], "apart from the results"),
    ],
)
def test_every_mistake_is_told_in_one_sentence_and_leaves_nothing(study, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(study)
    before = sorted(study.rglob("*"))
    assert main(["anonymize", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert sorted(study.rglob("*")) == before


def test_a_scene_is_scrubbed_from_the_command_line(tmp_path, capsys):
    from ThoraxAILib.scene import host

    if not host.is_available():
        pytest.skip("slicer-core is not installed")
    slicer = host.install()
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "Text").SetAttribute("DICOM.PatientName", "Quillfeather^O")
    from ThoraxAILib.scene.files.saving import write_scene

    write_scene(tmp_path / "before.mrb")
    assert main(["anonymize", str(tmp_path / "before.mrb"), str(tmp_path / "after.mrb")]) == 0
    assert (tmp_path / "after.mrb").exists()
    assert "Scene scrubbed" in capsys.readouterr().out


@pytest.fixture
def scene_file(tmp_path):
    """A file that bears the name of a scene; nothing of it may be opened in these tests."""
    (tmp_path / "scene.mrb").write_bytes(b"a scene")
    (tmp_path / "folder").mkdir()
    return tmp_path / "scene.mrb"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("scene.mrb", "The output names a file of the input"),
        ("folder/../scene.mrb", "The output names a file of the input"),
        ("link.mrb", "The output names a file of the input"),
        ("twin.mrb", "The output names a file of the input"),
        ("folder", "does not end in .mrb"),
        ("folder/scene", "does not end in .mrb"),
        ("folder/broken.mrb", "exists already"),
        ("absent/new.mrb", "does not exist: make it first"),
    ],
)
def test_a_scene_is_never_written_over_itself_nor_over_anything_else(scene_file, capsys, monkeypatch, output, words):
    from ThoraxAILib.scene import host

    if not host.is_available():
        pytest.skip("slicer-core is not installed")
    folder = scene_file.parent
    monkeypatch.chdir(folder)
    (folder / "link.mrb").symlink_to(scene_file)
    os.link(scene_file, folder / "twin.mrb")
    (folder / "folder" / "broken.mrb").symlink_to("nowhere.mrb")
    before = sorted(folder.rglob("*"))
    assert main(["anonymize", "scene.mrb", output]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
    assert scene_file.read_bytes() == b"a scene"


def test_an_archive_is_to_be_unpacked_and_a_file_is_no_folder(tmp_path, capsys):
    for name, words in (("study.tar.gz", "an archive: unpack it"), ("image.dcm", "is a file")):
        (tmp_path / name).write_bytes(b"x")
        assert main(["anonymize", str(tmp_path / name), str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_a_folder_without_any_dicom_file_does_not_end_as_if_all_were_clean(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no image")
    assert main(["anonymize", str(tmp_path / "in"), str(tmp_path / "out")]) == 3
    said = capsys.readouterr().out
    assert "0 clean, 0 in quarantine, 1 left out." in said
    assert "nothing to share" in said
    assert "anonymous" not in said


def test_the_job_of_the_panel_asks_all_that_was_chosen_and_hides_the_password():
    request = AnonymizeRequest(**option_values.full(AnonymizeRequest))
    job = anonymize_job(request, "a secret")
    assert AnonymizeRequest.from_arguments(build_parser().parse_args(job.command[3:])) == request
    assert job.command[-2:] == ("--events", "-")
    assert not any("a secret" in word for word in job.command)
    assert option_values.still_default(request) == []
