"""The sample pair through the panel with nothing replaced: the phantom and the follow-up run as the panel runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from panel_driver import clicked, texts_of
from sample_pair_flow import TOLD_OF_FATE, compare, fates_told, open_and_load, report_and_save
from test_panel_widths import check

MAX_CLICKS = 6


@pytest.mark.slow
def test_the_real_comparison_tells_the_planted_fates_in_six_clicks(panel, red_slice, monkeypatch, tmp_path):
    opened: list[str] = []
    monkeypatch.setattr("qt.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    clicked.clear()
    open_and_load(panel)
    assert "sample pair is loaded" in panel.job_panel.statusLabel.text
    compare(panel)
    assert panel.job_panel.statusLabel.text.startswith("Done"), panel.job_panel.statusLabel.text
    report_and_save(panel, tmp_path / "saved")
    assert len(clicked) <= MAX_CLICKS, clicked

    section = panel.follow_up
    assert not section.plantedTable.isHidden()
    told = fates_told(section.plantedTable)
    assert sorted(fate for fate, _ in told) == ["grown", "grown", "new", "resolved", "stable", "stable"]
    assert [word for _, word in told] == [TOLD_OF_FATE[fate] for fate, _ in told]
    assert section.table.rowCount == len(section.logic.pairs()) >= len(told)
    assert panel.findingsTable.table.rowCount == len(panel.logic.findings()) >= 5
    assert sum(bool(text) for text in texts_of(section.table, 6)) >= 2  # doubling times: the dates came along
    assert section.warningLabel.text == ""

    report = Path(opened[0]).read_text(encoding="utf-8")
    assert f"Pairs ({len(section.logic.pairs())})" in report
    assert "after 180 days" in report
    saved = {path.name for path in (tmp_path / "saved").iterdir()}
    assert saved >= {"scene.mrb", "report.pdf", "follow_up_report.pdf", "pairs.json", "findings_prior.json", "run.json"}
    pairs = json.loads((tmp_path / "saved" / "pairs.json").read_text(encoding="utf-8"))
    assert [scan["date"] for scan in pairs["scans"]] == ["20240115", "20240713"]
    check(panel.parent)
