"""Takes the pictures of docs/tutorials/store.md: from a CT to results in a real Orthanc, seen in another viewer.

``python Testing/desktop/take_store_pictures.py``. A synthetic chest is sent into a store, analyzed by its address as a
person would on the command line, and opened from the panel. The other viewer is DCMTK: it draws the presentation state
over the CT as it came back from the store (dcmp2pgm).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURES = REPOSITORY / "docs" / "pictures"
SECTION_SIZE = (560, 470)
ENLARGED = 2

sys.path.insert(0, str(REPOSITORY / "Testing"))


def main() -> None:
    """Go the way of the tutorial and keep what can be seen on it."""
    from slicerharness import session

    slicer = session.start()
    import panel_driver

    from ThoraxAILib.store.address import open_store
    from ThoraxAILib.store.server.local_server import LocalServer

    with tempfile.TemporaryDirectory() as name, LocalServer(Path(name) / "server") as server:
        os.chdir(name)
        store = open_store(server.address, server.access())
        study = send_chest(store)
        analyze(server, study)
        draw_outlines(store, study, PICTURES / "store_outlines.png")
        module = session.loadModule(REPOSITORY / "LungNoduleAI" / "LungNoduleAI.py")
        widget = module.widgetRepresentation().self()
        use_archive(widget, server, panel_driver)
        grab(widget.archive.widget, PICTURES / "store_panel.png")
        widget.cleanup()
        os.chdir(REPOSITORY)
    slicer.mrmlScene.Clear(0)


def send_chest(store: Any) -> str:
    """Put a synthetic chest into the store; return its study."""
    from benchmarks.phantom_dicom import write_dicom_folder

    from LungNoduleAILib.cases.sample import SAMPLE_SEED, SAMPLE_SPACING_MM
    from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
    from ThoraxAILib.store.instance import read_instance

    write_dicom_folder(make_small_chest(seed=SAMPLE_SEED, spacing_mm=SAMPLE_SPACING_MM).volume, Path("ct"))
    files = [read_instance(path.read_bytes()) for path in sorted(Path("ct").iterdir())]
    store.send(files)
    return files[0].study_uid


def analyze(server: Any, study: str) -> None:
    """Analyze the study by its address, as on the command line."""
    from ThoraxAILib.cli.main import main as run
    from ThoraxAILib.store.access import PASSWORD_VARIABLE

    os.environ[PASSWORD_VARIABLE] = server.passwords["uploader"]
    words = ["lung", "analyze", f"{server.address}/studies/{study}", "--output", "results", "--scene", "none"]
    words += ["--detector", "classical", "--anatomy", "classical"]
    if run([*words, "--user", "uploader", "--ca", str(server.files.authority)]) != 0:
        raise RuntimeError("the study was not analyzed")


def draw_outlines(store: Any, study: str, picture: Path) -> None:
    """Let DCMTK draw the presentation state over an image, both as the store gives them back."""
    from PIL import Image
    from pydicom import dcmread

    folder = Path("back")
    folder.mkdir()
    for file in store.retrieve(study):
        (folder / f"{file.sop_uid}.dcm").write_bytes(file.data)
    objects = {path: dcmread(path, stop_before_pixels=True) for path in folder.iterdir()}
    state = next(path for path, ds in objects.items() if ds.Modality == "PR")
    drawn = objects[state].GraphicAnnotationSequence[0]
    image = folder / f"{drawn.ReferencedImageSequence[0].ReferencedSOPInstanceUID}.dcm"
    subprocess.run(["dcmp2pgm", "--pstate", str(state), str(image), "drawn.pgm"], check=True)
    with Image.open("drawn.pgm") as pixels:
        larger = pixels.convert("L").resize(
            (ENLARGED * pixels.width, ENLARGED * pixels.height), Image.Resampling.LANCZOS
        )
    larger.save(picture)


def use_archive(widget: Any, server: Any, driver: Any) -> None:
    """List the studies in the panel and open one."""
    archive = widget.archive
    archive.widget.collapsed = False
    archive.addressEdit.text, archive.userEdit.text = server.address, "uploader"
    archive.passwordEdit.text = server.passwords["uploader"]
    archive.authorityEdit.setCurrentPath(str(server.files.authority))
    driver.click(archive.listButton)
    archive.studiesTable.selectRow(0)
    driver.click(archive.openButton)
    driver.wait_for(lambda: not widget.job_panel.is_running)
    node = widget.ui.inputSelector.currentNode()
    widget.logic.load_result(Path("results"), node)
    widget._show_result()
    driver.click(archive.sendButton)
    archive.authorityEdit.setCurrentPath("server/authority.crt.pem")


def grab(section: Any, picture: Path) -> None:
    """The section as one picture."""
    from PySide6 import QtCore

    section.setFixedSize(*SECTION_SIZE)
    section.show()
    QtCore.QCoreApplication.processEvents()
    if not section.grab().save(str(picture)):
        raise OSError(f"{picture.name} cannot be written")


if __name__ == "__main__":
    main()
