"""The panel of LungNoduleAI: choose a CT, analyze it in a child process, review the findings, save them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from LungNoduleAILib.analysis.importance import by_suspicion
from LungNoduleAILib.logic.archive import results_writer
from LungNoduleAILib.logic.jobs import analysis_job, sample_job
from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.logic.parameters import Parameters
from LungNoduleAILib.logic.report_file import ReportFile, existing_folder
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.panel import results as result_panel
from LungNoduleAILib.panel.archive_section import ArchiveSection
from LungNoduleAILib.panel.correct_section import CorrectSection
from LungNoduleAILib.panel.explain_section import ExplainSection
from LungNoduleAILib.panel.follow_up_section import FollowUpSection
from LungNoduleAILib.panel.guidelines_section import GuidelinesSection
from LungNoduleAILib.panel.input_choice import proposed_volume, show_in_views
from LungNoduleAILib.panel.interaction.scene_watch import SceneWatch
from LungNoduleAILib.panel.interaction.shortcuts import Shortcuts
from LungNoduleAILib.panel.practice_section import PracticeSection
from LungNoduleAILib.panel.reading_keys import reading_keys
from LungNoduleAILib.panel.reading_section import ReadingSection
from LungNoduleAILib.panel.sample_data import load_sample
from LungNoduleAILib.panel.settings.advanced_settings import AdvancedSettings
from LungNoduleAILib.scene.follow_up_nodes import node_of
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.work_folder import remove_stale_folders
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.findings_table import FindingsTable
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import agreed, shown_errors
from ThoraxAILib.panels.reload import forget_packages


class LungNoduleAIWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Shows Resources/UI/LungNoduleAI.ui; what is computed or kept in the scene is LungNoduleAILogic's."""

    logic: LungNoduleAILogic  # made by setup, which Slicer calls before anything else

    def __init__(self, parent: object | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.parameters: Parameters | None = None
        self.reportFile = ReportFile()
        self._analyzedVolumeID = ""
        self._shownTextID = ""
        self._isUpdating = False

    def setup(self) -> None:
        """Build the panel; called once, when the module is first opened."""
        super().setup()
        remove_stale_folders()
        panel = slicer.util.loadUI(self.resourcePath("UI/LungNoduleAI.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        self.logic = LungNoduleAILogic()
        self.job_panel = JobPanel(self._update_controls)
        self.ui.jobLayout.addWidget(self.job_panel.widget)
        self.findingsTable = FindingsTable(
            result_panel.finding_columns(), result_panel.STATUS_COLUMN, self.on_jump, self.on_decision
        )
        self.ui.findingsLayout.addWidget(self.findingsTable.widget)
        self.correct = CorrectSection(self.logic.review, self.on_review_changed)
        self.ui.reviewLayout.addWidget(self.correct.widget)
        self.follow_up = FollowUpSection(
            self.job_panel, self.logic, self._chosen, self.ui.inputSelector.setCurrentNode, self._show_follow_up
        )
        self.ui.followUpLayout.addWidget(self.follow_up.widget)
        self.guidelines = GuidelinesSection(self.on_jump, self.on_person)
        self.ui.followUpLayout.addWidget(self.guidelines.widget)
        self.practice = PracticeSection(self.job_panel)
        self.ui.followUpLayout.addWidget(self.practice.widget)
        self.explain = ExplainSection(self.logic)
        self.ui.reviewLayout.addWidget(self.explain.widget)
        self.reading = ReadingSection(self.logic.review, self._volumes, self.on_review_changed)
        self.ui.reviewLayout.addWidget(self.reading.widget)
        self.archive = ArchiveSection(self.job_panel, self.logic, self.ui.inputSelector, self._show_result)
        self.ui.followUpLayout.addWidget(self.archive.widget)
        self.watch = SceneWatch(self.correct.remeasure, self.correct.take_calipers)
        self.shortcuts = Shortcuts(panel, reading_keys(self.findingsTable, self.correct, self.reading))
        self.advanced = AdvancedSettings(self.ui, self._show_findings, self._update_controls)
        self.ui.saveFolderEdit.filters = ctk.ctkPathLineEdit.Dirs
        panel.setMRMLScene(slicer.mrmlScene)
        self._connect()
        self._use_scene()

    def _connect(self) -> None:
        ui, scene = self.ui, slicer.mrmlScene
        ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.on_input_changed)
        ui.sampleDataButton.connect("clicked()", self.on_sample_data)
        ui.analyzeButton.connect("clicked()", self.on_analyze)
        ui.qualityList.connect("itemClicked(QListWidgetItem*)", self.on_quality_clicked)
        ui.show3DButton.connect("toggled(bool)", self.on_show_3d)
        ui.reportButton.connect("clicked()", self.on_open_report)
        ui.copyTextButton.connect("clicked()", self.on_copy_text)
        ui.clearButton.connect("clicked()", self.on_clear)
        ui.saveFolderEdit.connect("currentPathChanged(QString)", self.on_save_folder_changed)
        ui.saveButton.connect("clicked()", self.on_save)
        self.addObserver(scene, scene.StartCloseEvent, self.on_scene_start_close)
        self.addObserver(scene, scene.EndCloseEvent, self.on_scene_changed)
        self.addObserver(scene, scene.EndImportEvent, self.on_scene_changed)
        self.addObserver(scene, scene.NodeRemovedEvent, self.on_node_removed)

    def cleanup(self) -> None:
        """End the run; called when the application closes and before a reload."""
        self.job_panel.close()
        self.archive.close()
        self.advanced.published.close()
        self.explain.close()
        self.reportFile.drop()
        self.follow_up.drop_report()
        self.correct.stop()
        self.practice.stop()
        self.watch.stop()
        self.shortcuts.set_enabled(False)
        self.removeObservers()

    def exit(self) -> None:
        """Leave the keys to the module that is opened instead; what is drawn there is still measured."""
        self.shortcuts.set_enabled(False)
        self.correct.stop()
        self.practice.stop()

    def enter(self) -> None:
        """Propose a CT where none is chosen; called when the user opens the module."""
        self.shortcuts.set_enabled(True)
        if self.parameters is not None and self.parameters.input_volume is None:
            self.ui.inputSelector.setCurrentNode(proposed_volume())

    def onReload(self) -> None:
        """Reload the Lib packages together with the module file."""
        forget_packages("LungNoduleAILib", "ThoraxAILib")
        super().onReload()

    # Scene

    def on_scene_start_close(self, _caller: object, _event: str) -> None:
        """End the run and forget what belongs to the scene, which closes."""
        self.job_panel.close()
        self.explain.close()
        self.explain.show(None, None)
        self.reportFile.drop()
        self.follow_up.drop_report()
        self.correct.stop()
        self.practice.stop()
        self.watch.stop()
        self.logic.review.forget_volume()
        self.guidelines.forget_person()
        self.parameters = None
        self.advanced.show(None)

    def on_scene_changed(self, _caller: object, _event: str) -> None:
        """Take over what a closed or newly loaded scene holds."""
        self._use_scene()

    def on_node_removed(self, _caller: object, _event: str) -> None:
        """Stop a run whose CT is gone, and stop showing a result whose nodes are gone."""
        if self.parameters is None or self._isUpdating:
            return
        scene = slicer.mrmlScene
        if self.job_panel.is_running and self._analyzedVolumeID and not scene.GetNodeByID(self._analyzedVolumeID):
            self._analyzedVolumeID = ""
            self.job_panel.cancel(_("Cancelled, because the CT was removed; nothing was kept."))
        if self._shownTextID and not scene.GetNodeByID(self._shownTextID):
            self._show_result()

    def _use_scene(self) -> None:
        """Take settings and result from the scene into the panel."""
        self.parameters = Parameters(self.logic.getParameterNode())
        self._isUpdating = True
        ui, parameters = self.ui, self.parameters
        ui.inputSelector.setCurrentNode(parameters.input_volume)
        self.advanced.show(parameters)
        ui.saveFolderEdit.setCurrentPath(parameters.panel.save_folder)
        self._isUpdating = False
        self._show_result()

    # Inputs

    def on_input_changed(self, volume_node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        """Another CT is chosen: show its result, if it has one."""
        if self.parameters is None or self._isUpdating:
            return
        self.parameters.input_volume = volume_node
        self._show_result()

    def on_sample_data(self) -> None:
        """Make the sample CT in a child process and load it."""
        self._analyzedVolumeID = ""
        self.ui.jobLayout.addWidget(self.job_panel.widget)
        with shown_errors(_("The sample CT cannot be made.")):
            self.job_panel.run(sample_job(), self._on_sample_ready, _("Making sample data"))

    def _on_sample_ready(self, job: ChildJob) -> str:
        volume_node = load_sample(job.output or Path())
        self.ui.inputSelector.setCurrentNode(volume_node)
        return _("The sample CT is loaded; its description lists the planted nodules.")

    # Analysis

    def _chosen(self) -> tuple[Any, AnalysisOptions]:
        """Return the chosen CT and the options as the controls stand."""
        return self.ui.inputSelector.currentNode(), self._options()

    def _options(self) -> AnalysisOptions:
        """Return the options as the controls stand."""
        return self.advanced.options(known(self.parameters, "the settings").options)

    def on_analyze(self) -> None:
        """Analyze the chosen CT in a child process."""
        volume_node, options = self._chosen()
        if volume_node is None or self.job_panel.is_running or not self._may_analyze_again(volume_node):
            return
        self.ui.jobLayout.addWidget(self.job_panel.widget)
        with shown_errors(_("The CT cannot be analyzed.")):
            job = analysis_job(self.logic, volume_node, options)
            self._analyzedVolumeID = volume_node.GetID()
            self.job_panel.run(job, self._on_analyzed, _("Starting"))

    def _may_analyze_again(self, volume_node: slicer.vtkMRMLScalarVolumeNode) -> bool:
        """Whether the person agrees where a review is there already; what it says is kept in any case."""
        nodes = self.logic.select_volume(volume_node)
        if nodes is None or nodes.findings().review.is_empty:
            return True
        return agreed(
            _(
                "This CT was reviewed already. Analyze it again? Your decisions, statements, outlines and added "
                "nodules stay; findings of the AI that nobody touched are replaced by the new ones."
            )
        )

    def _on_analyzed(self, job: ChildJob) -> str:
        volume_node = slicer.mrmlScene.GetNodeByID(self._analyzedVolumeID)
        if job.output is None or volume_node is None:
            raise InputError(_("The analysis ended without a result: look at the messages and analyze again."))
        self._isUpdating = True
        try:
            self.logic.load_result(job.output, volume_node)
            self.ui.inputSelector.setCurrentNode(volume_node)
        finally:
            self._isUpdating = False
        show_in_views(volume_node)
        self._show_result()
        lungs = known(self.logic.current_result(), "the result").lungs
        if result_panel.lungs_are_missing(lungs):
            raise InputError(result_panel.no_lungs_text(lungs))
        shown = self._shown_findings()
        if shown:
            self.logic.review.prepare()
            best = by_suspicion(shown)[0].id
            self.findingsTable.select(best)
            self.on_jump(best)
        return _("Done: {count} findings.").format(count=len(shown))

    def _show_follow_up(self, folder: Path, prior: Any, current: Any) -> None:
        """Show the findings of both dates, those of the current CT in the table, and the pairs."""
        self._isUpdating = True
        try:
            self.logic.load_follow_up(folder, prior, current)
            known(self.parameters, "the settings").input_volume = current
            self.ui.inputSelector.setCurrentNode(current)
        finally:
            self._isUpdating = False
        self._show_result()

    # Result

    def _show_result(self) -> None:
        """Show the result of the chosen CT, or that there is none."""
        volume_node = known(self.parameters, "the settings").input_volume
        nodes = self.logic.select_volume(volume_node) if volume_node else None
        self._shownTextID = "" if nodes is None else nodes.text.GetID()
        ui = self.ui
        self._show_saved("")
        result = None if nodes is None else nodes.findings()
        ui.lungsLabel.text = _("No result yet.") if result is None else result_panel.lungs_text(result.lungs)
        ui.methodsText.plainText = "" if nodes is None else result_panel.methods_text(nodes)
        self.watch.start(nodes)
        self.guidelines.show_person({} if result is None else result.review.person)
        if nodes is not None and nodes.volume is not None:
            self.correct.remeasure()  # what was drawn while this panel was not there
        self._isUpdating = True
        ui.show3DButton.checked = (
            nodes is not None
            and bool(nodes.segmentation.GetDisplayNode().GetVisibility3D())
            and nodes.segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
        )
        self._isUpdating = False
        self._show_findings()
        self._update_controls()

    def _shown_findings(self) -> list:
        return list(self.logic.shown_findings()) if self._shownTextID else []

    def _show_findings(self) -> None:
        """Fill the table with the findings of at least the chosen confidence."""
        self._show_verdicts()
        if not self._shownTextID:
            self.findingsTable.set_rows([])
            self.ui.findingsLabel.text = _("No result yet: choose a chest CT and press Analyze.")
            return
        self.logic.set_threshold(self.advanced.threshold)
        shown, follow_up = self._shown_findings(), self.follow_up.logic.as_it_stands()
        rows = result_panel.in_reading_order(shown, follow_up)
        self.findingsTable.set_rows([result_panel.finding_row(finding) for finding in rows])
        self.guidelines.show_findings(shown, follow_up)
        self.ui.findingsLabel.text = self._findings_text(len(shown), len(self.logic.findings()))
        self._show_selected()

    def _show_verdicts(self) -> None:
        """Fill the list of verdicts; those with a place are the AI's findings and wait for a reading first."""
        result = self.logic.current_result() if self._shownTextID else None
        notes = () if result is None else result.lungs.quality
        if self.logic.review.is_reading_first:
            notes = tuple(note for note in notes if note.center_ras_mm is None)
        result_panel.fill_quality_list(self.ui.qualityList, notes)

    def _show_selected(self) -> None:
        """Show in the section Correct what is known of the selected finding."""
        nodes = self.logic.result_nodes() if self._shownTextID else None
        found = [] if nodes is None else self._shown_findings()
        selected = self.findingsTable.selected_id()
        finding = next((finding for finding in found if finding.id == selected), None)
        others = [other.id for other in found if other.id != selected and other.mask is not None]
        self.correct.show(finding, nodes is not None, others, nodes is not None and nodes.volume is not None)
        self.explain.show(finding, None if nodes is None else nodes.volume)
        self.reading.show(nodes is not None)

    def _volumes(self) -> tuple[Any, Any]:
        """Return the chosen CT and the prior of the follow-up, where there is one."""
        text = self.follow_up.logic.current_text()
        prior = None if text is None else node_of(text, "prior")
        return self.ui.inputSelector.currentNode(), prior

    def on_review_changed(self, selected: str | None) -> None:
        """Show what the reader has changed; ``selected`` is the finding to select."""
        self._show_findings()
        if selected is not None:
            self.findingsTable.select(selected)
            self.on_jump(selected)
        self._update_controls()

    def on_person(self, stated: dict[str, Any]) -> None:
        """Keep what was stated of person and exam with the result."""
        if self._shownTextID and not self._isUpdating:
            self.logic.review.state_person(stated)

    def _findings_text(self, shown: int, computed: int) -> str:
        threshold = self.advanced.threshold
        if self.logic.review.is_reading_first:
            return _("Reading first: the AI's findings are hidden until you lock your own.")
        text = _("{shown} findings of confidence {threshold} and above, {hidden} hidden.").format(
            shown=shown, threshold=f"{threshold:.2f}", hidden=computed - shown
        )
        analyzed = result_panel.analyzed_threshold(known(self.logic.result_nodes(), "the result").run())
        if analyzed is not None and threshold < analyzed:
            text += " " + _("Below {analyzed} nothing was computed: press Analyze to look there.").format(
                analyzed=f"{analyzed:.2f}"
            )
        return text

    def on_jump(self, finding_id: str) -> None:
        """Show a finding in the views: centered, zoomed and in its window as the section Reading says."""
        finding = self.logic.jump_to_finding(finding_id, zoom=self.reading.is_zooming)
        self.reading.set_window(finding)
        if self.correct.calipersButton.checked:
            self.logic.review.show_calipers(finding_id)
        self._show_selected()

    def on_decision(self, finding_id: str, status: str, reason: str) -> None:
        """Keep the reader's decision."""
        self.logic.set_finding_status(finding_id, status, reason)
        self._show_findings()
        self._update_controls()

    def on_quality_clicked(self, item: qt.QListWidgetItem) -> None:
        """Center the views on the place of a verdict."""
        place = result_panel.place_of(item)
        if place is not None:
            for slice_node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
                slice_node.JumpSliceByCentering(*place)

    def on_show_3d(self, show: bool) -> None:
        """Show or hide the surfaces."""
        if not self._isUpdating:
            with shown_errors(_("The surfaces cannot be shown.")):
                self.logic.show_3d(show)

    def on_open_report(self) -> None:
        """Write the report as the result stands now, and open it in the web browser."""
        with shown_errors(_("The report cannot be made.")):
            report = self.logic.write_report(self.reportFile.new_path())
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(report)))

    def on_copy_text(self) -> None:
        """Put the report as text on the clipboard, for pasting into a radiology information system."""
        with shown_errors(_("The text cannot be made.")):
            qt.QApplication.clipboard().setText(self.logic.report_text())
            self._show_saved(_("The report is on the clipboard as text: paste it where you write yours."))

    def on_clear(self) -> None:
        """Remove the result from the scene; a review is asked for before."""
        if not self.logic.review.record().is_empty and not agreed(
            _("Clearing removes the result with your review. Save it before if you need it. Clear it now?")
        ):
            return
        self._isUpdating = True
        try:
            self.logic.clear_result()
        finally:
            self._isUpdating = False
        self._show_result()

    def on_save_folder_changed(self, path: str) -> None:
        """Another folder to save to."""
        if self.parameters is not None and not self._isUpdating:
            self.parameters.panel = replace(self.parameters.panel, save_folder=path)
            self._update_controls()

    def on_save(self) -> None:
        """Write scene, segmentation, points, findings and report to the chosen folder."""
        self._show_saved("")
        with shown_errors(_("The result was not saved.")):
            folder = existing_folder(self.ui.saveFolderEdit.currentPath)
            with_dicom, left_out = self._dicom_writer()
            written = (*self.logic.save_result(folder), *self.follow_up.save_to(folder), *with_dicom(folder))
            saved = _("Saved: {files}").format(files=", ".join(path.name for path in written))
            self._show_saved("\n".join(line for line in (saved, left_out) if line))

    def _dicom_writer(self) -> tuple[Callable[[Path], tuple[Path, ...]], str]:
        """Return what writes the DICOM results that are wanted, and what is left out; raises before they are saved."""
        if not self.ui.dicomCheckBox.checked:
            return (lambda _folder: ()), ""
        node = self.logic.review.nodes().volume
        write, sources = results_writer(self.logic, node, self.ui.dicomFolderEdit.currentPath)
        compared, left_out = self.follow_up.dicom_writer(node, sources)
        return (lambda folder: (*write(folder), *compared(folder))), left_out

    def _show_saved(self, text: str) -> None:
        self.ui.savedLabel.text = text
        self.ui.savedLabel.visible = bool(text)

    # Controls

    def _update_controls(self) -> None:
        """Enable what can be used now; a tool tip says why the rest cannot."""
        if self.parameters is None:
            return
        ui, running, has_result = self.ui, self.job_panel.is_running, bool(self._shownTextID)
        ui.inputSelector.enabled = ui.sampleDataButton.enabled = not running
        self.advanced.update(running)
        parts.allow(
            ui.analyzeButton,
            self._reason_not_to_analyze(),
            _("Find lungs, lobes, airways and nodules, and measure them"),
        )
        no_result = "" if has_result else _("There is no result yet: press Analyze")
        parts.allow(ui.show3DButton, no_result, _("Make and show the surfaces of lungs, airways and nodules"))
        parts.allow(ui.clearButton, no_result, _("Remove the result from the scene; the CT stays"))
        no_ct = no_result or (
            "" if self.logic.review.nodes().volume is not None else _("The CT of this result left the scene: load it")
        )
        reading = _("Lock your reading first: the report tells the AI's findings")
        no_report = no_ct or (reading if self.logic.review.is_reading_first else "")
        parts.allow(ui.reportButton, no_report, _("Write the report as the result stands now, and open it"))
        parts.allow(ui.copyTextButton, no_report, _("Put the report as text on the clipboard, for pasting into a RIS"))
        no_folder = no_ct or ("" if ui.saveFolderEdit.currentPath.strip() else _("Choose the folder to save to"))
        parts.allow(ui.saveButton, no_folder, _("Write report, findings, scene, segmentation and points to the folder"))
        self.follow_up.update()
        self.practice.update()
        self.archive.update(has_result)
        self.guidelines.show_findings(
            self._shown_findings() if has_result else None, self.follow_up.logic.as_it_stands()
        )

    def _reason_not_to_analyze(self) -> str:
        volume_node = self.ui.inputSelector.currentNode()
        if self.job_panel.is_running:
            return _("A run is going on: wait for it or cancel it")
        if volume_node is None:
            return _("Choose a chest CT, or press Sample data")
        if volume_node.GetImageData() is None:
            return _("The chosen volume holds no voxels")
        return ""
