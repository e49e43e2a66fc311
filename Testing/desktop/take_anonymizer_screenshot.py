"""Takes the picture of Anonymizer for the README: a small study, its preview, a region, a run with one file waiting.

``python Testing/desktop/take_anonymizer_screenshot.py [PNG]`` writes Resources/Screenshots/Anonymizer.png by default,
and AnonymizerUpload.png beside it: two folders in the queue of uploads, one sent, one with a file that was changed.
docs/pictures gets its preview with the image, and (with Chromium on the path) the report.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURE = REPOSITORY / "Resources" / "Screenshots" / "Anonymizer.png"
PICTURES = REPOSITORY / "docs" / "pictures"
WIDTH, HEIGHT = 620, 1840
UPLOAD_HEIGHT, GAP = 720, 8

sys.path.insert(0, str(REPOSITORY / "Testing"))


def main(picture: Path) -> None:
    """Use the module as a person would and save what they would see."""
    from slicerharness import session

    slicer = session.start()
    import panel_driver

    module = session.loadModule(REPOSITORY / "Anonymizer" / "Anonymizer.py")
    panel = module.widgetRepresentation()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)  # so that the picture shows short paths
        make_study(Path("incoming"))
        use_module(panel.self(), panel_driver)
        use_upload(panel.self().upload, panel_driver)
        panel.self().upload.widget.collapsed = True
        grab(panel, picture)
        grab_preview(panel, PICTURES / "anonymizer.png")
        draw_report(Path("shared"), PICTURES / "anonymizer_report.png")
        panel.self().upload.widget.collapsed = False
        grab(panel.self().upload.widget, picture.with_stem(f"{picture.stem}Upload"), WIDTH, UPLOAD_HEIGHT)
        panel.self().cleanup()
        os.chdir(REPOSITORY)
    slicer.mrmlScene.Clear(0)


def make_study(folder: Path) -> None:
    """Twelve slices of an invented person, and a capture with her name in the pixels."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from fixtures.anonymizer_studies import ct, save

    for number in range(1, 13):
        save(ct(number, size=128), folder / f"slice{number:02d}.dcm")
    image = Image.fromarray(np.tile(np.linspace(20, 90, 320).astype(np.uint8), (200, 1)))
    pen = ImageDraw.Draw(image)
    pen.ellipse((90, 50, 230, 180), fill=150, outline=210)
    pen.text((8, 6), "QUILLFEATHER OTTOLINE  F  07.04.1951", fill=240, font=ImageFont.load_default(13))
    capture = ct(99)
    capture.SOPClassUID, capture.Modality, capture.BurnedInAnnotation = "1.2.840.10008.5.1.4.1.1.7", "OT", "YES"
    capture.Rows, capture.Columns, capture.BitsAllocated, capture.BitsStored, capture.HighBit = 200, 320, 8, 8, 7
    capture.PixelData = np.asarray(image).tobytes()
    capture["PixelData"].VR = "OB"
    save(capture, folder / "capture.dcm")


def use_module(widget: Any, driver: Any) -> None:
    """Input, output, profile, run; then the waiting capture with a region on its text."""
    ui = widget.ui
    ui.inputFolderEdit.setCurrentPath("incoming")
    ui.outputFolderEdit.setCurrentPath("shared")
    ui.profileComboBox.setCurrentIndex(1)
    driver.click(ui.runButton)
    driver.wait_for(lambda: not widget.job_panel.is_running)
    ui.quarantineTable.selectRow(0)
    driver.click(ui.showQuarantinedButton)
    for name, value in (("left", 4), ("top", 4), ("width", 290), ("height", 20)):
        getattr(ui, f"{name}SpinBox").value = value
    driver.click(ui.addRegionButton)


def use_upload(section: Any, driver: Any) -> None:
    """Two folders sent: what was de-identified, and one with a file that somebody changed since."""
    from fixtures.anonymized_folders import anonymized_folder

    section.queue_file().unlink(missing_ok=True)
    section.queue.orders.clear()
    section.widget.collapsed = False
    changed = next(anonymized_folder(Path("older"), "1.2.826.0.1.99").rglob("*.dcm"))
    changed.write_bytes(changed.read_bytes()[:-1])
    for folder in ("shared", "older"):
        section.folderEdit.setCurrentPath(folder)
        section.addressEdit.setText("research-store")
        driver.click(section.addButton)
    driver.click(section.sendButton)
    driver.wait_for(lambda: not section.job_panel.is_running)
    section.queueTable.selectRow(1)


def grab(panel: Any, picture: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    """The whole panel as one picture."""
    from PySide6 import QtCore

    panel.setFixedSize(width, height)
    panel.show()
    QtCore.QCoreApplication.processEvents()
    picture.parent.mkdir(parents=True, exist_ok=True)
    if not panel.grab().save(str(picture)):
        raise OSError(f"{picture.name} cannot be written")


def grab_preview(panel: Any, picture: Path) -> None:
    """The sections with the preview and the image, as they lie in the panel."""
    from PySide6 import QtCore

    ui = panel.self().ui
    top, last = (section.mapTo(panel, QtCore.QPoint(0, 0)).y() for section in (ui.previewSection, ui.imageSection))
    height = last + ui.imageSection.height - top
    if not panel.grab(QtCore.QRect(0, top - GAP, WIDTH, height + 2 * GAP)).save(str(picture)):
        raise OSError(f"{picture.name} cannot be written")


def draw_report(output: Path, picture: Path) -> None:
    """The report of the run, where Chromium is there to draw it."""
    import shutil

    from take_report_pictures import Part, shown, take

    if shutil.which("chromium") is None:
        print("chromium is not installed: the report was not drawn")
        return
    (report,) = output.rglob("report.html")
    take(shown(report.read_text(encoding="utf-8"), Part("anonymizer", (), with_head=True)), picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else PICTURE)
