"""``thoraxai lung review`` on a saved result: the same acts as in the panel, and all files again."""

from __future__ import annotations

import json

from ThoraxAILib.cli.main import main


def test_a_saved_result_is_reviewed_and_written_again(logic, shown, slicer, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    logic.save_result(first)
    changes = tmp_path / "changes.csv"
    changes.write_text("finding,status,reason\nNodule_02,rejected,crossing vessel\n", encoding="utf-8")
    asked = ["lung", "review", str(first), "--changes", str(changes), "--reader", "reader A", "--output", str(second)]
    assert main(asked) == 0
    assert "1 changes done." in capsys.readouterr().out
    entry = json.loads((second / "findings.json").read_text(encoding="utf-8"))
    assert (entry["findings"][1]["status"], entry["findings"][1]["reason"]) == ("rejected", "crossing vessel")
    assert entry["review"]["history"][0]["who"] == "reader A"
    assert "crossing vessel" in (second / "report.html").read_text(encoding="utf-8")
    assert {path.name for path in first.iterdir()} <= {path.name for path in second.iterdir()}


def test_a_folder_without_a_scene_is_refused(tmp_path, capsys):
    assert main(["lung", "review", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "scene.mrb" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
