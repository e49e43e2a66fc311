"""Takes the pictures of the diagnosis: the section of the panel with answer, reasons and bull's-eye of a heart.

``python Testing/desktop/take_cardiac_diagnosis_pictures.py [FOLDER]`` writes into docs/pictures by default. A synthetic
infarct is analyzed with the labels of its first frame, and diagnosed by a model of all families, trained on a cohort of
synthetic hearts here.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from take_cardiac_screenshot import REPOSITORY, make_heart

FOLDER = REPOSITORY / "docs" / "pictures"
WIDTH, HEIGHT = 480, 620
HEARTS, MOST_FEATURES, SEED = "100", "10", 2


def main(folder: Path) -> None:
    """Train, analyze and show as a person would, and save what they would see."""
    from slicerharness import session

    slicer = session.start()
    from PySide6 import QtCore

    from ThoraxAILib.cli.main import main as run

    widget = session.loadModule(REPOSITORY / "CardiacBiomech" / "CardiacBiomech.py").widgetRepresentation().self()
    ui = widget.ui
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        table, model = str(work / "synthetic_hearts.csv"), str(work / "model")
        told = run(["cardiac", "cohort", "--output", table, "--hearts", HEARTS])
        learned = ["--output", model, "--most-features", MOST_FEATURES]
        told += run(["cardiac", "train", table, *learned])
        cine, label = make_heart(work, "MINF", SEED)
        for edit, path in (
            (ui.studyEdit, cine), (ui.labelEdit, label), (ui.outputEdit, work / "out"), (ui.diagnosisModelEdit, model),
        ):  # fmt: skip
            edit.setCurrentPath(str(path))
        told += run(["cardiac", "analyze", *widget.request().to_argv()])
        if told != 0:
            raise RuntimeError("the study was not analyzed")
        widget._show_result(work / "out")
        section = ui.diagnosisSection
        section.collapsed = False
        section.setFixedSize(WIDTH, HEIGHT)
        section.show()
        QtCore.QCoreApplication.processEvents()
        if not section.grab().save(str(folder / "cardiac_diagnosis.png")):
            raise OSError("the picture cannot be written")
        shutil.copy(work / "out" / "diagnosis_regions.png", folder / "cardiac_diagnosis_regions.png")
    widget.cleanup()
    slicer.mrmlScene.Clear(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
