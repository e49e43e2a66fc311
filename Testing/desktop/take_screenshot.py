"""Takes the picture of LungNoduleAI for the README: sample data, a real analysis, the panel beside Slicer's views.

``python Testing/desktop/take_screenshot.py [PNG]`` writes Resources/Screenshots/LungNoduleAI.png by default.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from scrolled_panel import scrolled

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURE = REPOSITORY / "Resources" / "Screenshots" / "LungNoduleAI.png"
PANEL_WIDTH, VIEW_SIZE, GAP = 500, (470, 462), 3


def main(picture: Path) -> None:
    """Run the module as a person would and save what they would see."""
    from slicerharness import session

    slicer = session.start()
    import panel_driver
    from slicerharness.views import imageOf, makeViews

    panel_driver.PATIENCE_SECONDS = 1200.0  # a busy machine may need it
    views = makeViews(VIEW_SIZE)
    module = session.loadModule(REPOSITORY / "LungNoduleAI" / "LungNoduleAI.py")
    panel = module.widgetRepresentation()
    use_module(panel.self(), panel_driver)
    show_finding(panel.self(), views)
    images = [
        imageOf(view) for view in (views.slices["Red"], views.threeD, views.slices["Green"], views.slices["Yellow"])
    ]
    image = compose(panel, images)
    picture.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(picture)):
        raise OSError(f"{picture.name} cannot be written")
    panel.self().cleanup()
    slicer.mrmlScene.Clear(0)


def use_module(widget: Any, driver: Any) -> None:
    """Sample data, Analyze, two decisions, surfaces."""
    driver.click(widget.ui.sampleDataButton)
    driver.wait_for(lambda: not widget.job_panel.is_running)
    driver.click(widget.ui.analyzeButton)
    driver.wait_for(lambda: not widget.job_panel.is_running)
    if widget.logic.current_result() is None:
        raise RuntimeError(widget.job_panel.statusLabel.text)
    driver.click(widget.ui.show3DButton)
    table = widget.findingsTable
    table.table.selectRow(1)
    driver.click(table.acceptButton)
    table.table.selectRow(0)


def show_finding(widget: Any, views: Any) -> None:
    """The whole chest in every view, with the selected finding in the plane of the slices."""
    finding = widget.logic.jump_to_finding(widget.findingsTable.selected_id())
    for view in views.slices.values():
        view.fit_view_to_content()
        view.get_view_node().JumpSliceByOffsetting(*finding.center_ras_mm)
    views.threeD.reset_focal_point()
    views.threeD.reset_camera()
    views.threeD.renderer().GetActiveCamera().Zoom(1.2)


def compose(panel: Any, images: list[Any]) -> Any:
    """Panel to the left, a grid of two by two views to the right."""
    from PySide6 import QtGui

    height = 2 * VIEW_SIZE[1] + GAP
    canvas = QtGui.QImage(PANEL_WIDTH + 2 * (VIEW_SIZE[0] + GAP), height, QtGui.QImage.Format.Format_RGB32)
    canvas.fill(QtGui.QColor(30, 30, 30))
    painter = QtGui.QPainter(canvas)
    with scrolled(panel, PANEL_WIDTH, height) as area:
        painter.drawPixmap(0, 0, area.grab())
    for index, image in enumerate(images):
        column, row = index % 2, index // 2
        painter.drawImage(PANEL_WIDTH + GAP + column * (VIEW_SIZE[0] + GAP), row * (VIEW_SIZE[1] + GAP), image)
    painter.end()
    return canvas


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
