"""Takes pictures of the lung tutorials: the panel after Sample data, its section Guidelines after Analyze, and its
section Follow-up after the comparison of the sample pair.

``python Testing/desktop/take_tutorial_pictures.py [FOLDER]`` writes into docs/pictures by default; the picture between
the first two is that of take_screenshot.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from scrolled_panel import open_sections, scrolled
from take_screenshot import PANEL_WIDTH, REPOSITORY, VIEW_SIZE, compose

FOLDER = REPOSITORY / "docs" / "pictures"
VIEWS = ("Red", None, "Green", "Yellow")


def main(folder: Path) -> None:
    """Follow the tutorial and save what a person would see after each step."""
    from slicerharness import session

    slicer = session.start()
    import panel_driver
    import sample_pair_flow
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
    answer_guidelines(widget)
    save_section(panel, "guidelinesSection", folder / "lung_2_guidelines.png")
    widget.follow_up.widget.collapsed = False
    sample_pair_flow.load(widget)
    sample_pair_flow.compare(widget)
    save_section(panel, "followUpSection", folder / "follow_up_panel.png")
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


def answer_guidelines(widget: Any) -> None:
    """State exam and age."""
    widget.guidelines.examComboBox.setCurrentIndex(1)  # baseline screening
    widget.guidelines.ageSpinBox.value = 62


def save_section(panel: Any, name: str, path: Path) -> None:
    """The panel alone, with one section open."""
    import ctk
    from PySide6 import QtCore

    others = {section.name for section in panel.findChildren(ctk.ctkCollapsibleButton)} - {name}
    open_sections(panel, *others)
    with scrolled(panel, PANEL_WIDTH, VIEW_SIZE[1]):  # the panel takes the height it needs
        QtCore.QCoreApplication.processEvents()
        save(panel.grab(), path)


def save(image: Any, path: Path) -> None:
    """One picture; OSError when it cannot be written."""
    if not image.save(str(path)):
        raise OSError(f"{path.name} cannot be written")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
