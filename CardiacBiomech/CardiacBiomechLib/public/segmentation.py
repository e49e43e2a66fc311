"""``thoraxai.segment_heart``: cavities and wall of every frame of a cine that nobody has labeled."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from CardiacBiomechLib.cases.segment_files import SEQUENCE, as_json, chosen_frames, volumes_of, write_segmentation
from CardiacBiomechLib.cine.read_cine import read_cine
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.segmentation.engines import SegmenterOptions
from CardiacBiomechLib.segmentation.protocol import HeartSegmenter
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress, Report
from ThoraxAILib.public.keywords import check_keywords, option_names, with_keywords
from ThoraxAILib.scene import host

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class SegmentedCine:
    """The parts of a heart in frames of a cine. Made by ``thoraxai.segment_heart``.

    Attributes:
        labels: One label image per frame: 1 right cavity, 2 wall and 3 cavity of the left ventricle.
        frames: Which frames of the cine these are, counted from 1.
        choice: The options of the segmenter.
        engine: What segmented, and where it ran.

    Example:
        >>> heart = thoraxai.segment_heart("cine.nii.gz")
        >>> print(heart.volumes_ml["LV"])
        >>> heart.save("labels.nii.gz")
    """

    labels: tuple[Volume, ...]
    frames: list[int]
    choice: SegmenterOptions
    engine: ChosenEngine[HeartSegmenter]

    @property
    def volumes_ml(self) -> dict[str, np.ndarray]:
        """Volume of each part (LV, MYO, RV) in mL over the frames."""
        import numpy as np

        return {name: np.array(row) for name, row in volumes_of(self.labels).items()}

    def to_dict(self) -> dict:
        """Return what ``thoraxai cardiac segment --report`` writes."""
        return as_json(self.labels, self.frames, self.choice, self.engine)

    def save(self, path: Path | str) -> Path:
        """Write the labels as ``thoraxai cardiac segment`` does.

        Args:
            path: A label image (.nii.gz, .nii, .nrrd, .mha) of one frame; of several a 4-D .nii.gz or a .seq.nrrd.

        Returns:
            The file.

        Raises:
            InputError: The file cannot hold so many frames.
            OutputError: The folder cannot be written.

        Example:
            >>> thoraxai.segment_heart("cine.nii.gz", frame=1).save("labels.nii.gz")
        """
        write_segmentation(self.labels, Path(path))
        return Path(path)

    def to_scene(self) -> object:
        """Put the labels into Slicer's scene as a sequence of label maps.

        Returns:
            The sequence node.

        Raises:
            MissingDependencyError: Neither Slicer nor slicer-core is there.

        Example:
            >>> thoraxai.segment_heart("cine.nii.gz").to_scene().GetNumberOfDataNodes()
        """
        from CardiacBiomechLib.cine.label_sequence import write_label_sequence

        slicer = host.install()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"labels{SEQUENCE}"
            write_label_sequence(self.labels, path)
            return slicer.util.loadNodeFromFile(str(path), "SequenceFile")

    def __repr__(self) -> str:
        told = ", ".join(f"{part} {min(row):.0f} to {max(row):.0f} mL" for part, row in volumes_of(self.labels).items())
        return f"<Segmented heart, {len(self.frames)} frames: {told}>"


def segment_heart(
    cine: Path | str | Cine | Volume,
    frame: int | None = None,
    options: SegmenterOptions | None = None,
    *,
    progress: Report | None = None,
    **keywords: object,
) -> SegmentedCine:
    """Find the cavities and the wall of a heart in short-axis frames that nobody has labeled.

    Args:
        cine: A 4-D or 3-D image file, a Slicer sequence (.seq.nrrd), a folder of DICOM slices, a Cine or a Volume.
        frame: Only this frame, counted from 1; all without it.
        options: What segments; the defaults without it.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.
        **keywords: Single options by name, instead of those in ``options``: segmenter, segmenter_weights and
            segmenter_device.

    Returns:
        The segmented frames, with ``labels``, ``volumes_ml``, ``save("labels.nii.gz")`` and ``to_scene()``.

    Raises:
        InputError: The cine or an option cannot be used, or no heart is found; one sentence says what to do.
        MissingDependencyError: The segmenter needs PyTorch or nnU-Net where it is not installed.

    Example:
        >>> import thoraxai
        >>> heart = thoraxai.segment_heart("cine.nii.gz")
        >>> print(heart.volumes_ml["LV"])
    """
    told = Progress(progress)
    check_keywords("segment_heart", keywords, option_names(SegmenterOptions))
    weights = keywords.get("segmenter_weights")
    if isinstance(weights, str):
        keywords = {**keywords, "segmenter_weights": Path(weights)}
    choice = with_keywords("segment_heart", options or SegmenterOptions(), keywords)
    engine = choice.choose()
    frames, numbers = chosen_frames(_cine(cine, told.part(0.0, 0.05)), frame)
    return SegmentedCine(engine.made.segment(frames, told.part(0.05, 1.0)), numbers, choice, engine)


def _cine(source: object, progress: Progress) -> Cine:
    if isinstance(source, Cine):
        return source
    if isinstance(source, Volume):
        return Cine((source,))
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"The cine was given as {type(source).__name__}: give a path, or what is read from one.")
    return read_cine(Path(source), progress)
