"""A model of one's own as detector: its folder, and how a nodule that it segments is scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ctk
import qt
from slicer.i18n import tr as _

from LungNoduleAILib.model.options import MAX_SCORE, MEAN_SCORE, VOLUME_SCORE, AnalysisOptions
from ThoraxAILib.panels import parts

SCORES = (MAX_SCORE, MEAN_SCORE, VOLUME_SCORE)


class OwnModel:
    """``rows`` are labels and controls for a form; ``on_changed`` is called when the person chose another."""

    def __init__(self, on_changed: Callable[[], None]) -> None:
        self._onChanged = on_changed
        self.folderEdit = ctk.ctkPathLineEdit()
        self.folderEdit.name = "detectorWeightsEdit"
        self.folderEdit.filters = ctk.ctkPathLineEdit.Dirs
        self.folderEdit.connect("currentPathChanged(QString)", lambda _path: self._onChanged())
        self.scoreComboBox = qt.QComboBox()
        self.scoreComboBox.name = "detectorScoreComboBox"
        texts = (_("Largest probability"), _("Mean probability"), _("Mean, weighted by volume"))
        for score, text in zip(SCORES, texts, strict=True):
            self.scoreComboBox.addItem(text, score)
        self.scoreComboBox.connect("currentIndexChanged(int)", lambda _index: self._onChanged())
        self.rows = ((_("Own model:"), self.folderEdit), (_("Score:"), self.scoreComboBox))

    @property
    def folder(self) -> Path | None:
        """The folder of the trained model; None without one, or for a detector that takes none."""
        path = self.folderEdit.currentPath.strip()
        return Path(path) if path and self.folderEdit.enabled else None

    @property
    def score(self) -> str:
        """How a segmented nodule is scored."""
        return SCORES[max(self.scoreComboBox.currentIndex, 0)]

    def show(self, options: AnalysisOptions) -> None:
        """Show what was chosen."""
        self.update(False, options.detector)
        self.folderEdit.setCurrentPath("" if options.detector_weights is None else str(options.detector_weights))
        self.scoreComboBox.setCurrentIndex(SCORES.index(options.detector_score))

    def update(self, running: bool, detector: str) -> None:
        """Enable what the detector takes; a tool tip says why the rest is off."""
        taken = _settings_of(detector)
        busy = _("A run is going on") if running else ""
        no_folder = "" if "weights" in taken else _("Only the detector nnunet takes a model of your own")
        parts.allow(self.folderEdit, busy or no_folder, _("Folder with dataset.json, plans.json and fold_0"))
        no_score = "" if "score" in taken else _("Only detectors that segment are scored this way")
        parts.allow(self.scoreComboBox, busy or no_score, _("Another score is another detector for a calibration"))


def _settings_of(detector: str) -> tuple[str, ...]:
    from LungNoduleAILib.analysis.engines import DETECTOR, REGISTRY

    return next((engine.settings for engine in REGISTRY.engines(DETECTOR) if engine.name == detector), ())
