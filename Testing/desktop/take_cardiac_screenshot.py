"""Takes the picture of CardiacBiomech: a synthetic heart analyzed, the panel beside the beating wall at two frames.

``python Testing/desktop/take_cardiac_screenshot.py [PNG]`` writes docs/pictures/cardiac_panel.png by default, and
cardiac_report.png beside it where Chromium is on the path.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURE = REPOSITORY / "docs" / "pictures" / "cardiac_panel.png"
PANEL_WIDTH, HEIGHT, VIEW_SIZE = 500, 2400, (420, 420)


def make_heart(folder: Path, group: str = "NOR", seed: int = 1) -> tuple[Path, Path]:
    """Write a synthetic cine of eight frames and the labels of its first."""
    import numpy as np
    import SimpleITK as sitk

    from CardiacBiomechLib.synthesis.cine import Scanner, acquire, phase_curve
    from CardiacBiomechLib.synthesis.groups import draw
    from ThoraxAILib.io.transform_files import write_labels
    from ThoraxAILib.registration.itk_images import itk_image

    scanner = Scanner(shape_kji=(14, 72, 72), spacing_kji_mm=(8.0, 2.2, 2.2), samples_per_slice=2, texture=0.1)
    frames = acquire(draw(group, np.random.default_rng(seed)), scanner, phase_curve(8), seed)
    cine = sitk.JoinSeries([itk_image(frame.image) for frame in frames], 0.0, 100.0)
    sitk.WriteImage(cine, str(folder / "cine.nii.gz"))
    write_labels(frames[0].labels, folder / "ed.nii.gz")
    return folder / "cine.nii.gz", folder / "ed.nii.gz"


def main(picture: Path) -> None:
    """Run the module as a person would and save what they would see."""
    from slicerharness import session

    slicer = session.start()
    from slicerharness.views import imageOf, makeViews

    from ThoraxAILib.cli.main import main as run

    views = makeViews(VIEW_SIZE)
    module = session.loadModule(REPOSITORY / "CardiacBiomech" / "CardiacBiomech.py")
    panel = module.widgetRepresentation()
    widget = panel.self()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)  # so that the picture shows short paths
        folder = Path()
        cine, label = make_heart(folder)
        widget.ui.studyEdit.setCurrentPath(str(cine))
        widget.ui.labelEdit.setCurrentPath(str(label))
        widget.ui.outputEdit.setCurrentPath(str(folder / "out"))
        widget.ui.heightSpinBox.value, widget.ui.weightSpinBox.value = 175, 70
        widget.ui.sexComboBox.setCurrentIndex(1)
        widget.ui.diagnosisSection.collapsed = True  # has a picture of its own
        widget.ui.motionComboBox.setCurrentIndex(widget.ui.motionComboBox.findData("demons"))
        if run(["cardiac", "analyze", *widget.request().to_argv()]) != 0:
            raise RuntimeError("the study was not analyzed")
        widget._show_result(folder / "out")
        widget.on_show_scene()
        images = []
        for item in (0, 3):
            widget._browser.SetSelectedItemNumber(item)
            slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(widget._browser)
            slicer.app.processEvents()
            views.threeD.reset_focal_point()
            views.threeD.reset_camera()
            images.append(imageOf(views.threeD))
        images.append(slice_picture(slicer, views, imageOf))
        image = compose(panel, images)
        draw_report(folder / "out" / "report.html", picture.with_name("cardiac_report.png"))
        os.chdir(REPOSITORY)
    picture.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(picture)):
        raise OSError(f"{picture.name} cannot be written")
    widget.cleanup()
    slicer.mrmlScene.Clear(0)


def slice_picture(slicer: Any, views: Any, image_of: Any) -> Any:
    """A slice through the middle of the heart at the shown frame, with its outlines."""
    kind = "vtkMRMLScalarVolumeNode"  # the picture of the bull's-eyes is of a kind derived from it
    (cine,) = [node for node in slicer.util.getNodesByClass(kind) if node.GetClassName() == kind]
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetBackgroundVolumeID(cine.GetID())
    view = views.slices["Red"]
    view.fit_view_to_content()
    slicer.app.processEvents()
    return image_of(view)


def draw_report(report: Path, picture: Path) -> None:
    """The report up to its segments, where Chromium is there to draw it."""
    import shutil

    from take_report_pictures import Part, shown, take

    if shutil.which("chromium") is None:
        print("chromium is not installed: the report was not drawn")
        return
    sections = ("Function", "Over the heart cycle", "Strain", "Segments")
    html = shown(report.read_text(encoding="utf-8"), Part("heart", sections, with_head=True))
    end = html.index("<h2>Segments")
    table = html.index("<table", end)  # one line per segment: the bull's-eyes say the same
    take(html[:table] + html[html.index("</table>", table) + len("</table>") :], picture)


def compose(panel: Any, images: list[Any]) -> Any:
    """Panel to the left, views below each other to the right."""
    from PySide6 import QtCore, QtGui

    panel.setFixedSize(PANEL_WIDTH, HEIGHT)
    panel.show()
    QtCore.QCoreApplication.processEvents()
    canvas = QtGui.QImage(PANEL_WIDTH + VIEW_SIZE[0] + 4, HEIGHT, QtGui.QImage.Format.Format_RGB32)
    canvas.fill(QtGui.QColor(30, 30, 30))
    painter = QtGui.QPainter(canvas)
    painter.drawPixmap(0, 0, panel.grab())
    for row, image in enumerate(images):
        painter.drawImage(PANEL_WIDTH + 4, row * (VIEW_SIZE[1] + 4), image)
    painter.end()
    return canvas


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else PICTURE)
