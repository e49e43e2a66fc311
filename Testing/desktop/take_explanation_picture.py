"""Takes a picture of an explained finding: the panel's sections Findings and "Why here?", and the map over the CT.

``python Testing/desktop/take_explanation_picture.py CT [--finding NAME] [--output FILE]``: the CT is analyzed and the
finding (the most suspicious one by default) explained in child processes, as a person would do it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from scrolled_panel import open_sections
from take_screenshot import REPOSITORY, VIEW_SIZE, compose

PICTURE = REPOSITORY / "docs" / "pictures" / "lung_3_explanation.png"
FIELD_MM = 90.0
VIEWS = ("Red", "Green", "Yellow")


def main() -> None:
    """Analyze, explain, and save what a person would see."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ct", type=Path)
    parser.add_argument("--finding", default="")
    parser.add_argument("--output", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    from slicerharness import session

    slicer = session.start()
    import panel_driver
    from slicerharness.views import imageOf, makeViews

    from LungNoduleAILib.panel.sample_data import LUNG_WINDOW_HU
    from ThoraxAILib.io import read_volume
    from ThoraxAILib.scene.volumes import node_from_volume

    panel_driver.PATIENCE_SECONDS = 1800.0  # a busy machine may need it
    views = makeViews(VIEW_SIZE)
    panel = session.loadModule(REPOSITORY / "LungNoduleAI" / "LungNoduleAI.py").widgetRepresentation()
    widget = panel.self()
    node = node_from_volume(read_volume(arguments.ct), "Chest CT")
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevel(*LUNG_WINDOW_HU)
    widget.ui.inputSelector.setCurrentNode(node)
    explain(widget, panel_driver, arguments.finding)
    open_sections(panel, "analysisSection", "advancedSection", "correctSection", "readingSection", "inputSection")
    for display in slicer.util.getNodesByClass("vtkMRMLSegmentationDisplayNode"):
        display.SetVisibility2DFill(False)  # these off-screen views draw a filled segment over a map as opaque
    place = widget.logic.jump_to_finding(widget.findingsTable.selected_id()).center_ras_mm
    for view in views.slices.values():
        view.fit_view_to_content()
        closer(view, place)
    pictures = [imageOf(views.slices[name]) for name in VIEWS]
    compose(panel, pictures).save(str(arguments.output))
    print(f"{arguments.output}: {widget.explain.label.text}")
    widget.cleanup()
    slicer.mrmlScene.Clear(0)


def explain(widget: Any, driver: Any, name: str) -> None:
    """Analyze the chosen CT, select a finding and explain it; RuntimeError says what the panel said when it failed."""
    driver.click(widget.ui.analyzeButton)
    driver.wait_for(lambda: not widget.job_panel.is_running)
    if widget.logic.current_result() is None:
        raise RuntimeError(widget.job_panel.statusLabel.text)
    if name:
        widget.findingsTable.select(name)
        widget.on_jump(name)
        widget._show_selected()
    widget.explain.widget.collapsed = False
    driver.click(widget.explain.explainButton)
    driver.wait_for(lambda: not widget.explain.job_panel.is_running)
    if not widget.explain.label.text:
        raise RuntimeError(widget.explain.job_panel.statusLabel.text)


def closer(view: Any, place_ras_mm: tuple[float, float, float]) -> None:
    """Show a field of a few centimeters around a place."""
    node = view.get_view_node()
    node.JumpSliceByCentering(*place_ras_mm)
    size = node.GetFieldOfView()
    node.SetFieldOfView(FIELD_MM, FIELD_MM * size[1] / max(size[0], 1e-6), size[2])


if __name__ == "__main__":
    main()
