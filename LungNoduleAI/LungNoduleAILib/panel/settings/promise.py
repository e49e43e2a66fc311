"""The target sensitivity in words: what a calibration promises, or why it cannot be used with what is chosen."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from LungNoduleAILib.guarantee.calibration import SHIPPED_WORD, read_calibration
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.panels import parts


class Promise:
    """Add ``widget`` below the control that names a calibration (``path_edit``), and call show() after every choice."""

    def __init__(self, path_edit: Any) -> None:
        self._edit = path_edit
        self.widget = qt.QWidget()
        self.widget.name = "promisePanel"
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        self.shippedButton = parts.button("shippedCalibrationButton", _("Use the shipped calibration"), self.on_shipped)
        self.label = parts.label("promiseLabel")
        layout.addWidget(self.shippedButton)
        layout.addWidget(self.label)

    def on_shipped(self) -> None:
        """Take the calibration that comes with the suite."""
        self._edit.setCurrentPath(SHIPPED_WORD)

    def show(self, options: AnalysisOptions) -> None:
        """Say what is promised with these options."""
        parts.say(self.label, promise_words(options))
        self.update(False)

    def update(self, running: bool) -> None:
        """Enable the button; a tool tip says why not."""
        here = _("It is chosen already") if self._edit.currentPath.strip() == SHIPPED_WORD else ""
        busy = _("A run is going on") if running else ""
        parts.allow(
            self.shippedButton,
            busy or here,
            _("Made on synthetic chests for the default detector: no promise for patients"),
        )


def promise_words(options: AnalysisOptions) -> str:
    """Return the promise of the calibration in the options, or why it cannot be used; empty without one."""
    from LungNoduleAILib.analysis.engines import choose_engines

    if options.calibration is None:
        return ""
    try:
        promise = read_calibration(options.calibration).promise()
        choose_engines(options)
    except ThoraxAIError as error:
        return str(error)
    return promise
