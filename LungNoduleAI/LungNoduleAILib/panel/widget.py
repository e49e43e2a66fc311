"""The panel of LungNoduleAI: choose a CT, analyze it in a child process, review the findings, save them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from LungNoduleAILib.logic.jobs import analysisJob, sampleJob
from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.logic.parameters import Parameters
from LungNoduleAILib.logic.result_files import ResultFiles, existingFolder
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.panel import results as result_panel
from LungNoduleAILib.panel.follow_up_section import FollowUpSection
from LungNoduleAILib.panel.guidelines_section import GuidelinesSection
from LungNoduleAILib.panel.input_choice import proposedVolume, showInViews
from LungNoduleAILib.panel.sample_data import loadSample
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.work_folder import remove_stale_folders
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.panels.findings_table import FindingsTable
from ThoraxAILib.panels.job_panel import JobPanel
from ThoraxAILib.panels.messages import shownErrors
from ThoraxAILib.panels.reload import forgetPackages


class LungNoduleAIWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Shows Resources/UI/LungNoduleAI.ui; what is computed or kept in the scene is LungNoduleAILogic's."""

    logic: LungNoduleAILogic  # made by setup, which Slicer calls before anything else

    def __init__(self, parent: object | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.parameters: Parameters | None = None
        self.keptFiles = ResultFiles()
        self._analyzedVolumeID = ""
        self._shownTextID = ""
        self._isUpdating = False

    def setup(self) -> None:
        """Called once, when the module is first opened."""
        super().setup()
        remove_stale_folders()
        panel = slicer.util.loadUI(self.resourcePath("UI/LungNoduleAI.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        self.logic = LungNoduleAILogic()
        self.jobPanel = JobPanel(self._updateControls)
        self.ui.jobLayout.addWidget(self.jobPanel.widget)
        self.findingsTable = FindingsTable(
            result_panel.findingColumns(), result_panel.STATUS_COLUMN, self.onJump, self.onDecision
        )
        self.ui.findingsLayout.addWidget(self.findingsTable.widget)
        self.followUp = FollowUpSection(self.jobPanel, self.logic.exportVolume, self._chosen)
        self.ui.followUpLayout.addWidget(self.followUp.widget)
        self.guidelines = GuidelinesSection(self.onJump)
        self.ui.followUpLayout.addWidget(self.guidelines.widget)
        self._fillChoices()
        panel.setMRMLScene(slicer.mrmlScene)
        self._connect()
        self._useScene()

    def _fillChoices(self) -> None:
        from LungNoduleAILib.analysis.engines import ANATOMY_SEGMENTER, DETECTOR, REGISTRY

        for kind, box in ((DETECTOR, self.ui.detectorComboBox), (ANATOMY_SEGMENTER, self.ui.anatomyComboBox)):
            for index, name in enumerate(REGISTRY.names(kind)):
                box.addItem(name)
                box.setItemData(index, REGISTRY.description(kind, name), qt.Qt.ToolTipRole)
        texts = (_("Automatic"), _("CPU"), _("Graphics card (CUDA)"), _("CPU with OpenVINO"))
        for device, text in zip(DEVICES, texts, strict=True):
            self.ui.deviceComboBox.addItem(text, device)
        self.ui.saveFolderEdit.filters = ctk.ctkPathLineEdit.Dirs

    def _connect(self) -> None:
        ui, scene = self.ui, slicer.mrmlScene
        ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onInputChanged)
        ui.sampleDataButton.connect("clicked()", self.onSampleData)
        ui.detectorComboBox.connect("currentIndexChanged(int)", self.onSettingsChanged)
        ui.anatomyComboBox.connect("currentIndexChanged(int)", self.onSettingsChanged)
        ui.deviceComboBox.connect("currentIndexChanged(int)", self.onSettingsChanged)
        ui.thresholdSlider.connect("valueChanged(double)", self.onThresholdChanged)
        ui.analyzeButton.connect("clicked()", self.onAnalyze)
        ui.qualityList.connect("itemClicked(QListWidgetItem*)", self.onQualityClicked)
        ui.show3DButton.connect("toggled(bool)", self.onShow3D)
        ui.reportButton.connect("clicked()", self.onOpenReport)
        ui.clearButton.connect("clicked()", self.onClear)
        ui.saveFolderEdit.connect("currentPathChanged(QString)", self.onSaveFolderChanged)
        ui.saveButton.connect("clicked()", self.onSave)
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneChanged)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneChanged)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved)

    def cleanup(self) -> None:
        """Called when the application closes and before a reload."""
        self.jobPanel.close()
        self.keptFiles.drop()
        self.removeObservers()

    def enter(self) -> None:
        """Called when the user opens the module: propose a CT where none is chosen."""
        if self.parameters is not None and self.parameters.inputVolume is None:
            self.ui.inputSelector.setCurrentNode(proposedVolume())

    def onReload(self) -> None:
        """Reload the Lib packages together with the module file."""
        forgetPackages("LungNoduleAILib", "ThoraxAILib")
        super().onReload()

    # Scene

    def onSceneStartClose(self, _caller: object, _event: str) -> None:
        """The scene closes: end the run, forget what belongs to the scene."""
        self.jobPanel.close()
        self.keptFiles.drop()
        self.guidelines.forgetPerson()
        self.parameters = None

    def onSceneChanged(self, _caller: object, _event: str) -> None:
        """The scene was closed or another one was loaded into it."""
        self._useScene()

    def onNodeRemoved(self, _caller: object, _event: str) -> None:
        """Stop a run whose CT is gone, and stop showing a result whose nodes are gone."""
        if self.parameters is None or self._isUpdating:
            return
        scene = slicer.mrmlScene
        if self.jobPanel.isRunning and self._analyzedVolumeID and not scene.GetNodeByID(self._analyzedVolumeID):
            self._analyzedVolumeID = ""
            self.jobPanel.cancel(_("Cancelled, because the CT was removed; nothing was kept."))
        if self._shownTextID and not scene.GetNodeByID(self._shownTextID):
            self._showResult()

    def _useScene(self) -> None:
        """Take settings and result from the scene into the panel."""
        self.parameters = Parameters(self.logic.getParameterNode())
        self._isUpdating = True
        ui, parameters = self.ui, self.parameters
        ui.inputSelector.setCurrentNode(parameters.inputVolume)
        options = parameters.options
        ui.detectorComboBox.setCurrentIndex(max(ui.detectorComboBox.findText(options.detector), 0))
        ui.anatomyComboBox.setCurrentIndex(max(ui.anatomyComboBox.findText(options.anatomy), 0))
        ui.deviceComboBox.setCurrentIndex(max(ui.deviceComboBox.findData(options.device), 0))
        ui.thresholdSlider.value = self._threshold()
        ui.saveFolderEdit.setCurrentPath(parameters.saveFolder)
        self._isUpdating = False
        self._showResult()

    # Inputs

    def onInputChanged(self, volumeNode: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        """Another CT is chosen: show its result, if it has one."""
        if self.parameters is None or self._isUpdating:
            return
        self.parameters.inputVolume = volumeNode
        self.keptFiles.drop()
        self.guidelines.forgetPerson()
        self._showResult()

    def onSettingsChanged(self) -> None:
        """Another detector, segmenter or device is chosen."""
        if self.parameters is None or self._isUpdating:
            return
        self.parameters.options = self._options()
        if self.parameters.options.threshold is None:
            self._isUpdating = True
            self.ui.thresholdSlider.value = self._threshold()
            self._isUpdating = False
            self._showFindings()

    def onThresholdChanged(self, value: float) -> None:
        """Hide findings below the confidence."""
        if self.parameters is None or self._isUpdating:
            return
        self.parameters.options = replace(self.parameters.options, threshold=value)
        self._showFindings()

    def _threshold(self) -> float:
        """The confidence chosen by the person, else the detector's own operating point."""
        from LungNoduleAILib.analysis.engines import operating_point

        chosen = known(self.parameters, "the settings").options.threshold
        if chosen is not None:
            return chosen
        return operating_point(self.ui.detectorComboBox.currentText)

    def onSampleData(self) -> None:
        """Make the sample CT in a child process and load it."""
        self._analyzedVolumeID = ""
        with shownErrors(_("The sample CT cannot be made.")):
            self.jobPanel.run(sampleJob(), self._onSampleReady, _("Making sample data"))

    def _onSampleReady(self, job: ChildJob) -> str:
        volumeNode = loadSample(job.output or Path())
        self.ui.inputSelector.setCurrentNode(volumeNode)
        return _("The sample CT is loaded; its description lists the planted nodules.")

    # Analysis

    def _chosen(self) -> tuple[Any, AnalysisOptions]:
        """The chosen CT and the options as the controls stand."""
        return self.ui.inputSelector.currentNode(), self._options()

    def _options(self) -> AnalysisOptions:
        """The options as the controls stand; those without a control as the scene keeps them."""
        return replace(
            known(self.parameters, "the settings").options,
            detector=self.ui.detectorComboBox.currentText,
            anatomy=self.ui.anatomyComboBox.currentText,
            device=DEVICES[self.ui.deviceComboBox.currentIndex],
        )

    def onAnalyze(self) -> None:
        """Analyze the chosen CT in a child process."""
        volumeNode, options = self._chosen()
        if volumeNode is None or self.jobPanel.isRunning:
            return
        with shownErrors(_("The CT cannot be analyzed.")):
            job = analysisJob(self.logic, volumeNode, options)
            self._analyzedVolumeID = volumeNode.GetID()
            self.jobPanel.run(job, self._onAnalyzed, _("Starting"))

    def _onAnalyzed(self, job: ChildJob) -> str:
        volumeNode = slicer.mrmlScene.GetNodeByID(self._analyzedVolumeID)
        if job.output is None or volumeNode is None:
            raise InputError(_("The analysis ended without a result: look at the messages and analyze again."))
        self._isUpdating = True
        try:
            self.logic.loadResult(job.output, volumeNode)
            self.keptFiles.keep(job.output)
            self.ui.inputSelector.setCurrentNode(volumeNode)
        finally:
            self._isUpdating = False
        showInViews(volumeNode)
        self._showResult()
        shown = self._shownFindings()
        if shown:
            best = max(shown, key=lambda finding: finding.confidence).id
            self.findingsTable.select(best)
            self.logic.jumpToFinding(best)
        return _("Done: {count} findings.").format(count=len(shown))

    # Result

    def _showResult(self) -> None:
        """Show the result of the chosen CT, or that there is none."""
        volumeNode = known(self.parameters, "the settings").inputVolume
        nodes = self.logic.selectVolume(volumeNode) if volumeNode else None
        self._shownTextID = "" if nodes is None else nodes.text.GetID()
        ui = self.ui
        self._showSaved("")
        result = None if nodes is None else nodes.findings()
        ui.lungsLabel.text = _("No result yet.") if result is None else result_panel.lungsText(result.lungs)
        result_panel.fillQualityList(ui.qualityList, () if result is None else result.lungs.quality)
        record = {} if nodes is None else result_panel.runRecord(nodes.text)
        ui.methodsText.plainText = "" if result is None else result_panel.methodsText(record, result.notes)
        self._isUpdating = True
        ui.show3DButton.checked = (
            nodes is not None
            and bool(nodes.segmentation.GetDisplayNode().GetVisibility3D())
            and nodes.segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
        )
        self._isUpdating = False
        self._showFindings()
        self._updateControls()

    def _shownFindings(self) -> list:
        threshold = self.ui.thresholdSlider.value
        return [finding for finding in self.logic.findings() if finding.confidence >= threshold]

    def _showFindings(self) -> None:
        """Fill the table with the findings of at least the chosen confidence."""
        if not self._shownTextID:
            self.findingsTable.setRows([])
            self.ui.findingsLabel.text = _("No result yet: choose a chest CT and press Analyze.")
            return
        self.logic.setThreshold(self.ui.thresholdSlider.value)
        shown = self._shownFindings()
        self.findingsTable.setRows([result_panel.findingRow(finding) for finding in shown])
        self.guidelines.showFindings(shown, self.followUp.logic.followUp())
        self.ui.findingsLabel.text = self._findingsText(len(shown), len(self.logic.findings()))

    def _findingsText(self, shown: int, computed: int) -> str:
        threshold = self.ui.thresholdSlider.value
        text = _("{shown} findings of confidence {threshold} and above, {hidden} hidden.").format(
            shown=shown, threshold=f"{threshold:.2f}", hidden=computed - shown
        )
        record = result_panel.runRecord(slicer.mrmlScene.GetNodeByID(self._shownTextID))
        analyzed = result_panel.analyzedThreshold(record)
        if analyzed is not None and threshold < analyzed:
            text += " " + _("Below {analyzed} nothing was computed: press Analyze to look there.").format(
                analyzed=f"{analyzed:.2f}"
            )
        return text

    def onJump(self, findingId: str) -> None:
        """Center the views on a finding."""
        self.logic.jumpToFinding(findingId)

    def onDecision(self, findingId: str, status: str, reason: str) -> None:
        """Keep the reader's decision."""
        self.logic.setFindingStatus(findingId, status, reason)
        self._showFindings()

    def onQualityClicked(self, item: qt.QListWidgetItem) -> None:
        """Center the views on the place of a verdict."""
        place = result_panel.placeOf(item)
        if place is not None:
            for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
                sliceNode.JumpSliceByCentering(*place)

    def onShow3D(self, show: bool) -> None:
        """Show or hide the surfaces."""
        if not self._isUpdating:
            with shownErrors(_("The surfaces cannot be shown.")):
                self.logic.show3D(show)

    def onOpenReport(self) -> None:
        """Open the report in the web browser."""
        report = self.keptFiles.report
        if report is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(report)))

    def onClear(self) -> None:
        """Remove the result from the scene."""
        self._isUpdating = True
        try:
            self.logic.clearResult()
        finally:
            self._isUpdating = False
        self.keptFiles.drop()
        self._showResult()

    def onSaveFolderChanged(self, path: str) -> None:
        """Another folder to save to."""
        if self.parameters is not None and not self._isUpdating:
            self.parameters.saveFolder = path
            self._updateControls()

    def onSave(self) -> None:
        """Write scene, segmentation, points, findings and report to the chosen folder."""
        self._showSaved("")
        with shownErrors(_("The result was not saved.")):
            folder = existingFolder(self.ui.saveFolderEdit.currentPath)
            written = self.logic.saveResult(folder)
            written += self.keptFiles.copyTo(folder, known(self.logic.currentResult(), "the result"))
            written += self.followUp.saveTo(folder)
            self._showSaved(_("Saved: {files}").format(files=", ".join(path.name for path in written)))

    def _showSaved(self, text: str) -> None:
        self.ui.savedLabel.text = text
        self.ui.savedLabel.visible = bool(text)

    # Controls

    def _updateControls(self) -> None:
        """Enable what can be used now; a tool tip says why the rest cannot."""
        if self.parameters is None:
            return
        ui, running, hasResult = self.ui, self.jobPanel.isRunning, bool(self._shownTextID)
        for control in (
            ui.inputSelector,
            ui.sampleDataButton,
            ui.detectorComboBox,
            ui.anatomyComboBox,
            ui.deviceComboBox,
        ):
            control.enabled = not running
        self._allow(
            ui.analyzeButton, self._reasonNotToAnalyze(), _("Find lungs, lobes, airways and nodules, and measure them")
        )
        noResult = "" if hasResult else _("There is no result yet: press Analyze")
        self._allow(ui.show3DButton, noResult, _("Make and show the surfaces of lungs, airways and nodules"))
        self._allow(ui.clearButton, noResult, _("Remove the result from the scene; the CT stays"))
        noReport = noResult or (
            ""
            if self.keptFiles.report is not None
            else _("The report belongs to a fresh analysis: press Analyze to make it again")
        )
        self._allow(ui.reportButton, noReport, _("Open the report in the web browser"))
        noFolder = noResult or ("" if ui.saveFolderEdit.currentPath.strip() else _("Choose the folder to save to"))
        self._allow(ui.saveButton, noFolder, _("Write scene, segmentation, points, findings and report to the folder"))
        self.followUp.update()
        self.guidelines.showFindings(self._shownFindings() if hasResult else None, self.followUp.logic.followUp())

    def _reasonNotToAnalyze(self) -> str:
        volumeNode = self.ui.inputSelector.currentNode()
        if self.jobPanel.isRunning:
            return _("A run is going on: wait for it or cancel it")
        if volumeNode is None:
            return _("Choose a chest CT, or press Sample data")
        if volumeNode.GetImageData() is None:
            return _("The chosen volume holds no voxels")
        return ""

    @staticmethod
    def _allow(control: qt.QWidget, reasonNotTo: str, toolTip: str) -> None:
        control.enabled = not reasonNotTo
        control.toolTip = reasonNotTo or toolTip
