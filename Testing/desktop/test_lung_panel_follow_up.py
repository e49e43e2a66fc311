"""The follow-up section: compare, read the pairs, link and unlink, look at both dates, save."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from panel_driver import click, position_of, texts_of, uses, wait_for

from LungNoduleAILib.model.findings import Finding

PLACES = {"A": (40.0, 0.0, 0.0), "B": (-40.0, 5.0, 8.0), "C": (43.0, 0.0, 2.0), "D": (0.0, 9.0, 9.0)}


def nodule(name: str, volume: float) -> Finding:
    return Finding(name, PLACES[name], 9.8, 9.8, 9.8, volume, "solid", 20.0, volume, "RUL", "right", 0.9)


def document() -> dict:
    from LungNoduleAILib.followup.growth.assessment import assess_growth
    from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair, ScanEntry

    a, b, c, d = nodule("A", 500.0), nodule("B", 300.0), nodule("C", 1000.0), nodule("D", 200.0)
    scans = (ScanEntry("", "", "", 1.0, "", (a, b)), ScanEntry("", "", "", 1.0, "", (c, d)))
    pairs = (
        Pair("A", "C", PLACES["A"], PLACES["C"], "matched", 0.97, True, growth=assess_growth(a, c, 91)),
        Pair("B", None, PLACES["B"], None, "resolved", 0.1),
        Pair(None, "D", None, PLACES["D"], "new", 0.1),
    )
    return FollowUp(scans, (Interval(0, 1, 91, pairs, ("The kernels differ.",)),)).to_dict()


@pytest.fixture
def worker(monkeypatch, tmp_path) -> list:
    """A worker that writes a follow-up with difference map and transform; returns what it was asked."""
    import numpy as np
    from chest import chest_volume, worker_script

    from ThoraxAILib.image.grid import Grid
    from ThoraxAILib.io.transform_files import write_field
    from ThoraxAILib.jobs.child_job import ChildJob
    from ThoraxAILib.jobs.child_python import child_environment
    from ThoraxAILib.jobs.work_folder import WorkFolder
    from ThoraxAILib.registration.field import Field

    asked = []

    def job(export_volume, prior, current, options):
        folder = WorkFolder()
        asked.append((prior, current, options))
        result = folder.path / "result"
        result.mkdir()
        (result / "pairs.json").write_text(json.dumps(document()), encoding="utf-8")
        volume = chest_volume()
        write_field(Field.zero(Grid(volume.array.shape, volume.ijk_to_ras)), result / "prior_to_current.h5")
        export_volume(current, result / "difference.nrrd")
        (result / "report.html").write_text("<!DOCTYPE html>compared", encoding="utf-8")
        assert np.isfinite(volume.array).all()
        command = worker_script(f"say(event='result', output={str(result)!r})")
        return ChildJob(command, child_environment(("ThoraxAILib", "LungNoduleAILib")), folder)

    monkeypatch.setattr("LungNoduleAILib.panel.follow_up_section.follow_up_job", job)
    return asked


@pytest.fixture
def prior(slicer_app) -> Any:
    import chest

    from ThoraxAILib.scene.volumes import node_from_volume

    return node_from_volume(chest.chest_volume(), "Prior CT")


@pytest.fixture
def compared(panel, ct, prior, worker, red_slice) -> Any:
    """The panel after a comparison of two CTs."""
    panel.ui.inputSelector.setCurrentNode(ct)
    section = panel.follow_up
    section.widget.collapsed = False
    section.priorSelector.setCurrentNode(prior)
    section.daysSpinBox.value = 91
    click(section.compareButton)
    wait_for(lambda: not panel.job_panel.is_running)
    assert panel.job_panel.statusLabel.text.startswith("Done"), panel.job_panel.statusLabel.text
    return panel


@uses("priorSelector", "daysSpinBox", "compareButton", "followUpSection")
def test_comparing_asks_for_both_scans_and_fills_the_table(compared, worker, prior, ct):
    asked_prior, asked_current, options = worker[0]
    assert (asked_prior, asked_current, options.days) == (prior, ct, 91)
    table = compared.follow_up.table
    assert texts_of(table, 3) == ["matched", "resolved", "new"]
    assert texts_of(table, 6)[0] == "growing"
    assert compared.follow_up.warningLabel.text == "The kernels differ."


def test_without_a_second_scan_there_is_nothing_to_compare(panel, ct):
    panel.ui.inputSelector.setCurrentNode(ct)
    assert not panel.follow_up.compareButton.enabled
    panel.follow_up.priorSelector.setCurrentNode(ct)
    assert not panel.follow_up.compareButton.enabled


@uses("pairsTable")
def test_a_click_on_a_pair_shows_it(compared, red_slice):
    compared.follow_up.table.selectRow(2)
    assert position_of(red_slice) == pytest.approx(PLACES["D"])


@uses("priorIdComboBox", "currentIdComboBox", "linkButton", "unlinkButton")
def test_the_reader_links_and_unlinks(compared):
    section = compared.follow_up
    section.priorIdComboBox.setCurrentIndex(section.priorIdComboBox.findText("B"))
    section.currentIdComboBox.setCurrentIndex(section.currentIdComboBox.findText("D"))
    click(section.linkButton)
    assert sorted(texts_of(section.table, 3)) == ["matched", "matched"]
    section.priorIdComboBox.setCurrentIndex(section.priorIdComboBox.findText("B"))
    section.currentIdComboBox.setCurrentIndex(section.currentIdComboBox.findText("D"))
    click(section.unlinkButton)
    assert sorted(texts_of(section.table, 3)) == ["matched", "new", "resolved"]


@uses("sideBySideButton", "chartButton", "alignButton", "differenceButton")
def test_views_show_both_dates_the_chart_and_what_changed(compared, slicer_app, prior, ct):
    scene, section = slicer_app.mrmlScene, compared.follow_up
    composite = slicer_app.vtkMRMLSliceCompositeNode()
    composite.SetLayoutName("Yellow")
    composite = scene.AddNode(composite)
    click(section.sideBySideButton)
    assert composite.GetBackgroundVolumeID() == ct.GetID()
    assert composite.GetLinkedControl()
    click(section.differenceButton)
    assert scene.GetNodeByID(composite.GetForegroundVolumeID()).GetName().startswith("What changed")
    click(section.alignButton)
    assert prior.GetTransformNodeID()
    click(section.alignButton)
    assert not prior.GetTransformNodeID()
    plot = scene.AddNode(slicer_app.vtkMRMLPlotViewNode())
    click(section.chartButton)
    assert plot.GetPlotChartNode().GetNumberOfPlotSeriesNodes() == 1


def test_saving_writes_pairs_and_links(compared, tmp_path):
    written = {path.name for path in compared.follow_up.save_to(Path(tmp_path))}
    assert written == {"pairs.json", "pairs.csv", "links.csv", "follow_up_report.html"}
    assert (Path(tmp_path) / "follow_up_report.html").read_text(encoding="utf-8").endswith("compared")


@uses("followUpReportButton")
def test_the_report_opens_until_a_link_changes_the_pairs(compared, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    section = compared.follow_up
    assert section.followUpReportButton.enabled
    click(section.followUpReportButton)
    assert Path(opened[0]).read_text(encoding="utf-8").endswith("compared")
    section.logic.report = None
    section.update()
    assert not section.followUpReportButton.enabled


@uses("samplePairButton")
def test_the_sample_pair_is_compared_in_three_clicks_with_the_truth_beside(panel, worker, monkeypatch):
    from chest import worker_script

    from LungNoduleAILib.synthesis.truth import write_phantom
    from LungNoduleAILib.synthesis.two_dates.sample_pair import make_sample_pair
    from ThoraxAILib.jobs.child_job import ChildJob
    from ThoraxAILib.jobs.child_python import child_environment
    from ThoraxAILib.jobs.work_folder import WorkFolder

    def job():
        folder = WorkFolder()
        pair = make_sample_pair(1, (8.0, 8.0, 8.0))
        for name, scan in (("prior", pair.prior), ("current", pair.current)):
            write_phantom(scan, folder.path / "sample" / name)
        truth = json.dumps({"nodules": pair.truth()})
        (folder.path / "sample" / "pair_truth.json").write_text(truth, encoding="utf-8")
        output = str(folder.path / "sample")
        command = worker_script(f"say(event='result', output={output!r})")
        return ChildJob(command, child_environment(("ThoraxAILib", "LungNoduleAILib")), folder)

    monkeypatch.setattr("LungNoduleAILib.panel.follow_up_section.sample_pair_job", job)
    section = panel.follow_up
    section.widget.collapsed = False  # click 1
    click(section.samplePairButton)  # click 2
    wait_for(lambda: not panel.job_panel.is_running)
    assert "sample pair is loaded" in panel.job_panel.statusLabel.text
    assert section.compareButton.enabled
    click(section.compareButton)  # click 3
    wait_for(lambda: not panel.job_panel.is_running)
    assert section.plantedLabel.visible or section.plantedLabel.text
    for fate in ("grown", "stable", "new", "resolved"):
        assert fate in section.plantedLabel.text
    dates = [node.GetAttribute("ThoraxAI.study_date") for node in worker[0][:2]]
    assert dates == ["20240115", "20240713"]
