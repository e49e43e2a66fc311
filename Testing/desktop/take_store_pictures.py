"""Takes the pictures of docs/tutorials/store.md: from a CT to results in a real Orthanc, seen in another viewer.

``python Testing/desktop/take_store_pictures.py``. A synthetic chest is sent into a store, analyzed by its address as a
person would on the command line, and opened from the panel. The other viewer is DCMTK (dcmj2pnm): it shows the pictures
of the findings as they came back from the store.
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
        draw_capture(store, study, PICTURES / "store_capture.png")
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


def draw_capture(store: Any, study: str, picture: Path) -> None:
    """Let DCMTK show the first picture of the secondary capture, as the store gives it back."""
    capture = next(file for file in store.retrieve(study) if file.modality == "OT")
    Path("capture.dcm").write_bytes(capture.data)
    subprocess.run(
        ["dcmj2pnm", "--write-png", "--nointerlace", "--frame", "1", "capture.dcm", str(picture)], check=True
    )


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
