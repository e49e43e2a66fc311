"""The section Advanced: engines, device, threshold or calibration, and whether DICOM results are saved too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from LungNoduleAILib.logic.parameters import Parameters
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.panel.settings.own_model import OwnModel
from LungNoduleAILib.panel.settings.promise import Promise
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.panels import parts
from ThoraxAILib.panels.published_models import PublishedModels


class AdvancedSettings:
    """The controls of ``ui`` below Advanced; what is chosen goes to the parameters that show() was given.

    ``on_threshold`` is called when other findings are to be seen, ``on_changed`` after every other choice.
    """

    def __init__(self, ui: Any, on_threshold: Callable[[], None], on_changed: Callable[[], None]) -> None:
        self.ui, self._onThreshold, self._onChanged = ui, on_threshold, on_changed
        self._parameters: Parameters | None = None
        self._isFilling = False
        self._fill_choices()
        self.own_model = OwnModel(self._on_engines)
        for label, control in self.own_model.rows:
            ui.advancedLayout.addRow(label, control)
        self.promise = Promise(ui.calibrationEdit)
        ui.advancedLayout.addRow(self.promise.widget)
        self.published = PublishedModels(self._on_engines)
        ui.advancedLayout.addRow(self.published.widget)
        for box in (ui.detectorComboBox, ui.anatomyComboBox, ui.deviceComboBox):
            box.connect("currentIndexChanged(int)", self._on_engines)
        ui.thresholdSlider.connect("valueChanged(double)", self._on_slider)
        ui.calibrationEdit.connect("currentPathChanged(QString)", self._on_calibration)
        ui.dicomCheckBox.connect("toggled(bool)", lambda _wanted: self._on_dicom())
        ui.dicomFolderEdit.connect("currentPathChanged(QString)", lambda _path: self._on_dicom())

    def _fill_choices(self) -> None:
        from LungNoduleAILib.analysis.engines import ANATOMY_SEGMENTER, DETECTOR, REGISTRY

        for kind, box in ((DETECTOR, self.ui.detectorComboBox), (ANATOMY_SEGMENTER, self.ui.anatomyComboBox)):
            for index, name in enumerate(REGISTRY.names(kind)):
                box.addItem(name)
                box.setItemData(index, REGISTRY.description(kind, name), qt.Qt.ToolTipRole)
        texts = (_("Automatic"), _("CPU"), _("Graphics card (CUDA)"), _("CPU with OpenVINO"))
        for device, text in zip(DEVICES, texts, strict=True):
            self.ui.deviceComboBox.addItem(text, device)
        self.ui.dicomFolderEdit.filters = ctk.ctkPathLineEdit.Dirs

    def show(self, parameters: Parameters | None) -> None:
        """Show what the parameters say and write to them from now on; None writes nowhere."""
        self._parameters = parameters
        if parameters is None:
            return
        ui, options = self.ui, parameters.options
        self._isFilling = True
        ui.detectorComboBox.setCurrentIndex(max(ui.detectorComboBox.findText(options.detector), 0))
        ui.anatomyComboBox.setCurrentIndex(max(ui.anatomyComboBox.findText(options.anatomy), 0))
        ui.deviceComboBox.setCurrentIndex(max(ui.deviceComboBox.findData(options.device), 0))
        ui.calibrationEdit.setCurrentPath("" if options.calibration is None else str(options.calibration))
        self.own_model.show(options)
        self.promise.show(self.options(options))
        ui.dicomCheckBox.checked = parameters.panel.with_dicom
        ui.dicomFolderEdit.setCurrentPath(parameters.panel.dicom_folder)
        ui.thresholdSlider.value = self._threshold(options)
        self._isFilling = False

    def options(self, kept: AnalysisOptions) -> AnalysisOptions:
        """Return the options as the controls stand; those without a control as they are ``kept``."""
        return replace(
            kept,
            detector=self.ui.detectorComboBox.currentText,
            anatomy=self.ui.anatomyComboBox.currentText,
            device=DEVICES[self.ui.deviceComboBox.currentIndex],
            detector_weights=self.own_model.folder,
            detector_score=self.own_model.score,
        )

    @property
    def threshold(self) -> float:
        """Confidence from which findings are shown."""
        return self.ui.thresholdSlider.value

    def update(self, running: bool) -> None:
        """Enable what can be used now; a tool tip says why the rest cannot."""
        ui = self.ui
        for control in (ui.detectorComboBox, ui.anatomyComboBox, ui.deviceComboBox, ui.calibrationEdit):
            control.enabled = not running
        self.own_model.update(running, ui.detectorComboBox.currentText)
        self.promise.update(running)
        is_calibrated = bool(ui.calibrationEdit.currentPath.strip())
        calibrated = _("The calibration sets the threshold: take it out first") if is_calibrated else ""
        parts.allow(ui.thresholdSlider, calibrated, _("Findings below this confidence are neither computed nor shown"))
        no_dicom = "" if ui.dicomCheckBox.checked else _("Check the box above first")
        parts.allow(ui.dicomFolderEdit, no_dicom, _("Folder of the DICOM images; empty: those of Slicer's database"))

    def _threshold(self, options: AnalysisOptions) -> float:
        """Return the confidence chosen by the person, else the detector's own operating point.

        With a calibration all that it reports is shown: 0.
        """
        from LungNoduleAILib.analysis.engines import operating_point

        if options.threshold is not None or options.calibration is not None:
            return options.threshold or 0.0
        return operating_point(self.ui.detectorComboBox.currentText)

    def _on_engines(self) -> None:
        if self._parameters is None or self._isFilling:
            return
        self.own_model.update(False, self.ui.detectorComboBox.currentText)
        options = self._parameters.options = self.options(self._parameters.options)
        self.promise.show(options)
        if options.threshold is None:
            self._show_threshold(options)

    def _on_slider(self, value: float) -> None:
        if self._parameters is None or self._isFilling:
            return
        self._parameters.options = replace(self._parameters.options, threshold=value)
        self._onThreshold()

    def _on_calibration(self, path: str) -> None:
        """Another calibration is chosen: it sets the threshold, not the slider."""
        if self._parameters is None or self._isFilling:
            return
        calibration = Path(path.strip()) if path.strip() else None
        options = replace(self._parameters.options, calibration=calibration, threshold=None)
        self._parameters.options = options
        self.promise.show(self.options(options))
        self._show_threshold(options)
        self._onChanged()

    def _show_threshold(self, options: AnalysisOptions) -> None:
        self._isFilling = True
        self.ui.thresholdSlider.value = self._threshold(options)
        self._isFilling = False
        self._onThreshold()

    def _on_dicom(self) -> None:
        if self._parameters is None or self._isFilling:
            return
        wanted, folder = self.ui.dicomCheckBox.checked, self.ui.dicomFolderEdit.currentPath
        self._parameters.panel = replace(self._parameters.panel, with_dicom=wanted, dicom_folder=folder)
        self._onChanged()
