"""RegionPicture: one image of the input with the regions that will be blanked, and the list of these regions."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from AnonymizerLib.pixels.picture import read_frame, write_picture
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    import numpy as np

WIDTH = 440


class RegionPicture:
    """Draws into a QLabel and keeps a QListWidget of boxes in step."""

    def __init__(self, label: qt.QLabel, regions: qt.QListWidget) -> None:
        self.label = label
        self.regions = regions
        self.boxes: list[Box] = []
        self._frame: np.ndarray | None = None

    @property
    def has_image(self) -> bool:
        """Whether an image is shown."""
        return self._frame is not None

    def set_file(self, path: Path | None) -> None:
        """Show the middle frame of another file, or that it has none."""
        try:
            self._frame = read_frame(path) if path is not None else None
        except InputError as error:
            self._frame = None
            self._show_text(str(error))
            return
        self.draw()

    def draw(self) -> None:
        """Draw image and boxes."""
        if self._frame is None:
            self._show_text(_("No image."))
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "preview.png"
            write_picture(self._frame, self.boxes, path, WIDTH)
            pixmap = qt.QPixmap(str(path))
        self.label.setPixmap(pixmap)
        self.label.setMinimumHeight(pixmap.height())

    def _show_text(self, text: str) -> None:
        self.label.setMinimumHeight(0)
        self.label.setText(text)

    def add(self, boxes: list[Box]) -> None:
        """Add regions that are not listed yet."""
        for box in boxes:
            if box not in self.boxes:
                self.boxes.append(box)
                self.regions.addItem(f"{box.left}, {box.top}, {box.width}, {box.height}")
        self.draw()

    def remove_selected(self) -> None:
        """Remove the selected region."""
        row = self.regions.currentRow
        if 0 <= row < len(self.boxes):
            del self.boxes[row]
            self.regions.takeItem(row)
            self.draw()

    def read_text(self) -> list[Box]:
        """Boxes around burned-in text of the shown image; MissingDependencyError without tesseract."""
        from AnonymizerLib.letters.ocr import find_text

        return find_text(self._frame) if self._frame is not None else []
