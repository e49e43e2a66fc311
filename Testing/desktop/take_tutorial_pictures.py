"""Takes pictures of the lung tutorial: the panel after Sample data, and its section Guidelines after Analyze.

``python Testing/desktop/take_tutorial_pictures.py [FOLDER]`` writes into docs/pictures by default; the picture between
the two is that of take_screenshot.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from take_screenshot import REPOSITORY, VIEW_SIZE, compose, scrolled

FOLDER = REPOSITORY / "docs" / "pictures"
VIEWS = ("Red", None, "Green", "Yellow")


def main(folder: Path) -> None:
    """Follow the tutorial and save what a person would see after each step."""
    from slicerharness import session

    slicer = session.start()
    import panel_driver
    from slicerharness.views import makeViews

    panel_driver.PATIENCE_SECONDS = 1200.0  # a busy machine may need it
    folder.mkdir(parents=True, exist_ok=True)
    views = makeViews(VIEW_SIZE)
    module = session.loadModule(REPOSITORY / "LungNoduleAI" / "LungNoduleAI.py")
    panel = module.widgetRepresentation()
    widget = panel.self()
    run(widget.ui.sampleDataButton, widget, panel_driver)
    for view in views.slices.values():
        view.fit_view_to_content()
    save(compose(panel, pictures(views)), folder / "lung_1_sample_data.png")
    run(widget.ui.analyzeButton, widget, panel_driver)
    save_panel(panel, widget, folder / "lung_2_guidelines.png")
    widget.cleanup()
    slicer.mrmlScene.Clear(0)


def run(button: Any, widget: Any, driver: Any) -> None:
    """Press a button and wait for its work; RuntimeError says what the panel said when it failed."""
    driver.click(button)
    driver.wait_for(lambda: not widget.job_panel.is_running)
    if button is widget.ui.analyzeButton and widget.logic.current_result() is None:
        raise RuntimeError(widget.job_panel.statusLabel.text)


def pictures(views: Any) -> list[Any]:
    """The four views in the order of Slicer's four-up layout."""
    from slicerharness.views import imageOf

    return [imageOf(views.slices[name] if name else views.threeD) for name in VIEWS]


def save_panel(panel: Any, widget: Any, path: Path) -> None:
    """The panel alone, with the section Guidelines open and answered."""
    from PySide6 import QtCore

    section = widget.guidelines
    section.widget.collapsed = False
    for other in ("inputSection", "analysisSection", "lungsSection", "findingsSection", "resultsSection"):
        getattr(widget.ui, other).collapsed = True
    section.examComboBox.setCurrentIndex(1)  # baseline screening
    section.ageSpinBox.value = 62
    area = scrolled(panel, VIEW_SIZE[1])  # the panel takes the height it needs
    QtCore.QCoreApplication.processEvents()
    save(panel.grab(), path)
    area.takeWidget()
    panel.setParent(None)


def save(image: Any, path: Path) -> None:
    """One picture; OSError when it cannot be written."""
    if not image.save(str(path)):
        raise OSError(f"{path.name} cannot be written")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
