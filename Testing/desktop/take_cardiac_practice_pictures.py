"""Takes the pictures of the practice with cines: the section before locking and after it, beside the slice shown.

``python Testing/desktop/take_cardiac_practice_pictures.py [FOLDER]`` writes into docs/pictures by default; the software
reads the case with its network, which takes a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from take_cardiac_screenshot import REPOSITORY, VIEW_SIZE

FOLDER = REPOSITORY / "docs" / "pictures"
WIDTH, BEFORE, AFTER = 480, 425, 860
SEED, DIFFICULTY = 5, "easy"
SLICE_MM = -20.0


def main(folder: Path) -> None:
    """Practise as a person would and save what they would see before and after locking."""
    from slicerharness import session

    slicer = session.start()
    import panel_driver
    from slicerharness.views import makeViews

    panel_driver.PATIENCE_SECONDS = 1200.0  # a busy machine may need it
    views = makeViews(VIEW_SIZE)
    module = session.loadModule(REPOSITORY / "CardiacBiomech" / "CardiacBiomech.py")
    widget = module.widgetRepresentation().self()
    section = widget.practice
    section.scores.file = lambda: folder / "no_practice.json"
    section._next_seed = lambda *_kind: SEED
    section.widget.collapsed = False
    run(section.nextCaseButton, widget, panel_driver)
    section.frameSlider.value = 5
    section.edSpinBox.value = 1
    panel_driver.click(section.esHereButton)
    section.efSpinBox.value = 30
    section.diagnosisComboBox.setCurrentIndex(section.diagnosisComboBox.findData("DCM"))
    save(section, BEFORE, views, slicer, folder / "cardiac_practice_1.png")
    run(section.lockButton, widget, panel_driver)
    section.frameSlider.value = section.logic.state().score["truth"]["es_frame"]
    save(section, AFTER, views, slicer, folder / "cardiac_practice_2.png")
    for kept in folder.glob("no_practice*"):
        kept.unlink()
    widget.cleanup()
    slicer.mrmlScene.Clear(0)


def run(button: Any, widget: Any, driver: Any) -> None:
    """Press a button and wait for its work; RuntimeError says what the panel said when it failed."""
    driver.click(button)
    driver.wait_for(lambda: not widget.job_panel.is_running)
    if widget.practice.logic.state() is None:
        raise RuntimeError(widget.job_panel.statusLabel.text)


def save(section: Any, height: int, views: Any, slicer: Any, path: Path) -> None:
    """The section to the left, a slice through the middle of the heart to the right."""
    from PySide6 import QtCore, QtGui
    from slicerharness.views import imageOf

    image = section.logic.image()
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetBackgroundVolumeID(image.GetID())
    view = views.slices["Red"]
    view.fit_view_to_content()
    (red,) = [node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.GetName() == "Red"]
    red.SetSliceOffset(SLICE_MM)
    slicer.app.processEvents()
    section.widget.setFixedSize(WIDTH, height)
    section.widget.show()
    QtCore.QCoreApplication.processEvents()
    canvas = QtGui.QImage(WIDTH + VIEW_SIZE[0] + 4, height, QtGui.QImage.Format.Format_RGB32)
    canvas.fill(QtGui.QColor(30, 30, 30))
    painter = QtGui.QPainter(canvas)
    painter.drawPixmap(0, 0, section.widget.grab())
    painter.drawImage(WIDTH + 4, 0, imageOf(view))
    painter.end()
    if not canvas.save(str(path)):
        raise OSError(f"{path.name} cannot be written")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
