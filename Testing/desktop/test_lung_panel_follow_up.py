"""The follow-up section: compare, read the pairs, link and unlink, look at both dates, save."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from panel_driver import click, position_of, texts_of, uses, wait_for

from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.follow_up_options import FollowUpOptions

PLACES = {"A": (40.0, 0.0, 0.0), "B": (-40.0, 5.0, 8.0), "C": (43.0, 0.0, 2.0), "D": (0.0, 9.0, 9.0)}
LUNGS_ML = {1: (2100.0, 2300.0), 2: (2100.0, 2300.0)}
VOLUMES = {"A": 500.0, "B": 300.0, "C": 1000.0, "D": 200.0}


def nodule(name: str, volume: float) -> Finding:
    return Finding(name, PLACES[name], 9.8, 9.8, 9.8, volume, "solid", 20.0, volume, "RUL", "right", 0.9)


def document() -> dict:
    from LungNoduleAILib.followup.growth.assessment import assess_growth
    from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair, ScanEntry

    a, b, c, d = (nodule(name, VOLUMES[name]) for name in "ABCD")
    scans = (ScanEntry("", "", "", 1.0, "", (a, b)), ScanEntry("", "", "", 1.0, "", (c, d)))
    pairs = (
        Pair("A", "C", PLACES["A"], PLACES["C"], "matched", 0.97, True, growth=assess_growth(a, c, 91)),
        Pair("B", None, PLACES["B"], None, "resolved", 0.1),
        Pair(None, "D", None, PLACES["D"], "new", 0.1),
    )
    return FollowUp(
        scans, (Interval(0, 1, 91, pairs, ("The kernels differ.",), {"similarity": 0.9, "regions": []}),)
    ).to_dict()


def analysis(found: tuple[Finding, ...], folder: Path, number: int, node) -> None:
    """What a worker leaves of one date: findings with outlines, and the lungs."""
    from dataclasses import replace

    import numpy as np

    from LungNoduleAILib.model.findings import Findings, Lungs
    from LungNoduleAILib.model.result import AnalysisResult
    from ThoraxAILib.image.mask import Mask
    from ThoraxAILib.scene.volumes import volume_from_node

    volume = volume_from_node(node)
    places = [np.rint(volume.kji_from_ras(np.array(one.center_ras_mm))).astype(int).tolist() for one in found]
    outlined = tuple(
        replace(one, mask=Mask(tuple(place), np.ones((1, 1, 1), np.uint8)))
        for one, place in zip(found, places, strict=True)
    )
    labels = np.ones(volume.array.shape, np.uint8)
    result = AnalysisResult(volume, labels, Findings("1.2.3", Lungs(*LUNGS_ML[number]), outlined))
    result.save_arrays(folder, f"arrays_{number}.npz")
    (folder / f"findings_{number}.json").write_text(json.dumps(result.findings.to_dict()), encoding="utf-8")


def write_follow_up_folder(result: Path, export_volume, prior, current) -> None:
    """What a worker leaves of a follow-up: pairs, both dates, difference map, transform and pictures."""
    import numpy as np
    from chest import chest_volume

    from LungNoduleAILib.cases.two_dates.follow_up_files import write_sheets
    from ThoraxAILib.image.grid import Grid
    from ThoraxAILib.io.transform_files import write_field
    from ThoraxAILib.registration.field import Field
    from ThoraxAILib.report.slices import Picture

    result.mkdir()
    (result / "pairs.json").write_text(json.dumps(document()), encoding="utf-8")
    for number, names, node in ((1, "AB", prior), (2, "CD", current)):
        analysis(tuple(nodule(name, VOLUMES[name]) for name in names), result, number, node)
    volume = chest_volume()
    write_field(Field.zero(Grid(volume.array.shape, volume.ijk_to_ras)), result / "prior_to_current.h5")
    export_volume(current, result / "difference.nrrd")
    write_sheets(
        result / "sheets.npz", [("Blended sheet", Picture(np.zeros((8, 8, 3), np.uint8), np.zeros((3, 4)), 1))]
    )
    run = {"command": "lung follow-up", "inputs": [{"name": "prior"}, {"name": "current"}], "options": {"days": 91}}
    (result / "run.json").write_text(json.dumps(run), encoding="utf-8")


@pytest.fixture
def worker(monkeypatch, tmp_path) -> list:
    """A worker that leaves a follow-up; returns what it was asked."""
    from chest import worker_script

    from ThoraxAILib.jobs.child_job import ChildJob
    from ThoraxAILib.jobs.child_python import child_environment
    from ThoraxAILib.jobs.work_folder import WorkFolder

    asked = []

    def job(logic, prior, current, options):
        folder = WorkFolder()
        asked.append((prior, current, options))
        write_follow_up_folder(folder.path / "result", logic.export_volume, prior, current)
        command = worker_script(f"say(event='result', output={str(folder.path / 'result')!r})")
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
    return compare(panel, prior, ct)


def compare(panel, prior, ct) -> Any:
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
    assert texts_of(table, 6) == ["91 days", "", ""]
    assert texts_of(table, 3) == ["matched", "resolved", "new"]
    assert texts_of(table, 4)[0] == "growing"
    assert compared.follow_up.warningLabel.text == "The kernels differ."


@pytest.mark.parametrize(("number", "which"), [(1, "prior"), (2, "current")])
def test_a_ct_without_lungs_is_an_error_that_says_which_and_what_to_do(
    panel, ct, prior, worker, red_slice, monkeypatch, number, which
):
    monkeypatch.setitem(LUNGS_ML, number, (0.0, 0.0))
    panel.ui.inputSelector.setCurrentNode(ct)
    section = panel.follow_up
    section.widget.collapsed = False
    section.priorSelector.setCurrentNode(prior)
    click(section.compareButton)
    wait_for(lambda: not panel.job_panel.is_running)
    said = panel.job_panel.statusLabel.text
    assert f"No lungs were found in the {which} CT" in said
    assert said.endswith("choose a chest CT in Hounsfield units and compare again.")


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


def test_after_comparing_the_findings_of_the_current_ct_are_in_the_table_and_can_be_reviewed(compared, ct, prior):
    assert compared.ui.inputSelector.currentNode() is ct
    assert sorted(texts_of(compared.findingsTable.table, 0)) == ["C", "D"]
    compared.findingsTable.select("D")
    click(compared.findingsTable.rejectButton)
    assert {one.id: one.status for one in compared.logic.findings()} == {"C": "unreviewed", "D": "rejected"}
    compared.ui.inputSelector.setCurrentNode(prior)
    assert sorted(texts_of(compared.findingsTable.table, 0)) == ["A", "B"]


def test_saving_writes_all_of_both_dates_and_the_review_stands_in_it(compared, tmp_path):
    compared.logic.set_finding_status("D", "rejected", "scar since 2019")
    choose(compared.guidelines.examComboBox, "follow_up")
    folder = tmp_path / "saved"
    compared.ui.saveFolderEdit.setCurrentPath(str(folder))
    click(compared.ui.saveButton)
    written = {path.name for path in folder.iterdir()}
    assert written >= {
        *("scene.mrb", "segmentation.seg.nrrd", "nodules.mrk.json", "findings.json", "findings.csv", "run.json"),
        *("report.html", "report.pdf", "report.txt", "pairs.json", "pairs.csv", "links.csv", "findings_prior.json"),
        *("follow_up_report.html", "follow_up_report.pdf"),
    }
    pairs = (folder / "follow_up_report.html").read_text(encoding="utf-8")
    for words in ("scar since 2019", "new, rejected", "91 days", "Blended sheet", "1 growing", "Lung-RADS"):
        assert words in pairs
    report = (folder / "report.html").read_text(encoding="utf-8")
    for words in (
        "Since the prior CT: 9.8 to 9.8 mm, +100 % in volume, growing, doubling time 91 days.",
        "Prior, axial",
    ):
        assert words in report
    assert "doubling time 91 days" in (folder / "report.txt").read_text(encoding="utf-8").replace("\n  ", " ")
    kept = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))["scans"][1]["findings"]
    assert {one["id"]: one["status"] for one in kept} == {"C": "unreviewed", "D": "rejected"}


@uses("followUpReportButton")
@pytest.fixture
def dicom_dates(tmp_path) -> dict[str, Path]:
    """The images of two dates of one person in folders."""
    from chest import chest_volume

    from fixtures.dicom_documents import complete_header
    from fixtures.dicom_series_builder import SeriesPlan, set_hu, write_series

    def complete(image, k: int) -> None:
        complete_header(image)
        set_hu(image, chest_volume().array[k])

    folders = {}
    for number, name in enumerate(("prior", "current"), start=1):
        folders[name] = tmp_path / name
        study = f"1.2.826.0.1.3680043.10.7{number}"
        plan = SeriesPlan(24, 8.0, 32, 32, (8.0, 8.0), series_uid=f"{study}.1", study_uid=study)
        folders[name].mkdir()
        write_series(folders[name], plan, complete)
    return folders


def numbers(item):
    """Every measured number of a report."""
    for child in item.get("ContentSequence", ()):
        if "MeasuredValueSequence" in child:
            yield child
        yield from numbers(child)


@uses("dicomCheckBox", "dicomFolderEdit")
def test_a_comparison_is_saved_as_dicom_where_the_images_of_both_dates_are_known(
    panel, worker, red_slice, dicom_dates, tmp_path
):
    from pydicom import dcmread

    from LungNoduleAILib.logic.archive import FOLDER
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.scene.volumes import node_from_volume

    pytest.importorskip("highdicom")
    nodes = {name: node_from_volume(read_volume(folder), name) for name, folder in dicom_dates.items()}
    ui = compare(panel, nodes["prior"], nodes["current"]).ui
    ui.dicomCheckBox.checked = True
    ui.dicomFolderEdit.setCurrentPath(str(dicom_dates["current"]))
    saved = tmp_path / "saved"
    ui.saveFolderEdit.setCurrentPath(str(saved))
    click(ui.saveButton)
    assert (saved / "measurements.sr.dcm").is_file()
    assert not (saved / "growth.sr.dcm").exists()
    assert "images of the prior CT are not known" in ui.savedLabel.text
    nodes["prior"].SetAttribute(FOLDER, str(dicom_dates["prior"]))
    click(ui.saveButton)
    assert "not known" not in ui.savedLabel.text
    report = dcmread(saved / "growth.sr.dcm")
    evidence = {study.StudyInstanceUID for study in report.CurrentRequestedProcedureEvidenceSequence}
    evidence |= {study.StudyInstanceUID for study in report.get("PertinentOtherEvidenceSequence", ())}
    assert evidence == {"1.2.826.0.1.3680043.10.71", "1.2.826.0.1.3680043.10.72"}
    assert 100.0 in {float(item.MeasuredValueSequence[0].NumericValue) for item in numbers(report)}  # % of volume


def test_the_report_opens_and_follows_links_and_review(compared, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    section = compared.follow_up
    click(section.followUpReportButton)
    before = Path(opened[-1]).read_text(encoding="utf-8")
    assert "P3: new" in before
    section.logic.decide("B", "D", True)
    click(section.followUpReportButton)
    after = Path(opened[-1]).read_text(encoding="utf-8")
    assert "P3: new" not in after
    assert "matched (reader)" in after
    section.logic.clear_result()
    section.update()
    assert not section.followUpReportButton.enabled
    assert "press Compare" in section.followUpReportButton.toolTip


def reopened(slicer_app, folder: Path) -> None:
    """Save the scene, close it, and open what was saved."""
    assert slicer_app.util.saveScene(str(folder / "scene.mrb"))
    slicer_app.mrmlScene.Clear(0)
    slicer_app.util.loadScene(str(folder / "scene.mrb"))


def test_a_reopened_scene_still_writes_the_report(compared, slicer_app, tmp_path):
    reopened(slicer_app, tmp_path)
    written = compared.follow_up.logic.write_report(tmp_path)
    assert [path.name for path in written] == ["follow_up_report.html", "follow_up_report.pdf"]
    assert "P1: matched, growing" in written[0].read_text(encoding="utf-8")


def test_the_pictures_of_what_changed_stay_with_a_saved_scene(compared, slicer_app, tmp_path):
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    before = compared.follow_up.logic.write_report(tmp_path / "before")[0].read_text(encoding="utf-8")
    reopened(slicer_app, tmp_path)
    after = compared.follow_up.logic.write_report(tmp_path / "after")[0].read_text(encoding="utf-8")
    assert "Blended sheet" in after
    assert after.count("<img") == before.count("<img")
    compared.follow_up.logic.clear_result()
    assert not [node for node in slicer_app.util.getNodesByClass("vtkMRMLTextNode") if "Pictures" in node.GetName()]


def test_what_the_reader_rejects_is_no_plain_new_nodule_in_the_table(compared):
    compared.findingsTable.select("D")
    compared.findingsTable.reasonEdit.text = "vessel"
    click(compared.findingsTable.rejectButton)
    table = compared.follow_up.table
    assert texts_of(table, 3)[2] == "new, rejected"
    assert "D was rejected on the current CT: vessel." in table.item(2, 3).toolTip()


def test_a_reading_first_hides_the_comparison_too(compared):
    from LungNoduleAILib.scene.follow_up_nodes import node_of

    section, points = compared.follow_up, node_of(compared.follow_up.logic.current_text(), "currentPoints")
    compared.reading.widget.collapsed = False
    click(compared.reading.readFirstButton)
    assert section.table.rowCount == 0
    assert "hidden until you lock" in section.warningLabel.text
    assert not points.GetDisplayNode().GetVisibility()
    assert not section.followUpReportButton.enabled
    assert "Lock your own reading" in section.followUpReportButton.toolTip
    click(compared.reading.lockButton)
    assert section.table.rowCount == 3
    assert points.GetDisplayNode().GetVisibility()


def test_a_nodule_added_after_the_comparison_is_named_with_what_to_do(compared):
    from dataclasses import replace

    new = replace(nodule("A", 100.0), center_ras_mm=(0.0, 30.0, 30.0))
    added = compared.logic.review.add(new)
    compared.on_review_changed(None)
    assert f"{added.id}: added to the current CT since the comparison. Compare again" in (
        compared.follow_up.warningLabel.text
    )


def test_comparing_again_hands_over_the_review_of_the_ct_that_was_reviewed(compared, prior, ct):
    from LungNoduleAILib.logic import jobs

    compared.logic.set_finding_status("D", "rejected", "scar")
    job = jobs.follow_up_job(compared.logic, prior, ct, FollowUpOptions())
    assert any("review_2.json" in word for word in job.command)
    assert not any("review_1.json" in word for word in job.command)
    job.close()


def choose(box, value: str) -> None:
    index = box.findData(value)
    assert index >= 0
    box.setCurrentIndex(index)


@uses("samplePairButton", "plantedTable")
def test_the_sample_pair_is_compared_reported_and_saved_in_five_clicks_with_the_truth_beside(
    panel, worker, monkeypatch, red_slice, tmp_path
):
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
    opened = []
    monkeypatch.setattr("qt.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    click(section.followUpReportButton)  # click 4
    assert "Pairs (3)" in Path(opened[0]).read_text(encoding="utf-8")
    panel.ui.saveFolderEdit.setCurrentPath(str(tmp_path / "saved"))  # typed
    click(panel.ui.saveButton)  # click 5
    assert {"follow_up_report.pdf", "report.pdf", "scene.mrb"} <= {path.name for path in (tmp_path / "saved").iterdir()}
    assert set(texts_of(section.plantedTable, 1)) == {"grown", "stable", "new", "resolved"}
    assert not section.plantedTable.isHidden()
    assert "+120 %" in "".join(texts_of(section.plantedTable, 2))
    section.plantedTable.selectRow(1)
    assert position_of(red_slice) != (0.0, 0.0, 0.0)
    dates = [node.GetAttribute("ThoraxAI.study_date") for node in worker[0][:2]]
    assert dates == ["20240115", "20240713"]
