"""``thoraxai.track``: the labels of one frame of a cine to labels, volumes and motion of every frame."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from CardiacBiomechLib.analysis.track import SecondLabels, Track, TrackedFrame, TrackOptions
from CardiacBiomechLib.analysis.track import track as track_cine
from CardiacBiomechLib.cases.track_files import SEQUENCE, owned_names, track_settings, write_images, write_track_report
from CardiacBiomechLib.cine.label_sequence import write_label_sequence
from CardiacBiomechLib.cine.read_cine import read_cine, read_frame_labels
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.motion.engines import EngineOptions
from CardiacBiomechLib.motion.protocol import MotionEngine
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress, Report
from ThoraxAILib.public.keywords import check_keywords, option_names, with_keywords
from ThoraxAILib.scene import host

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class TrackedCine:
    """The motion of a heart through a cine. Made by ``thoraxai.track``.

    Attributes:
        result: Labels, fields and measures of every frame.
        cine: The cine.
        choice: The options of the engine.
        engine: What found the motion, and where it ran.
        seconds: How long it took.

    Example:
        >>> tracked = thoraxai.track("cine.nii.gz", "labels.nii.gz", frame=1)
        >>> print(tracked.ejection["LV"]["ef_percent"])
        >>> tracked.save("out")
    """

    result: Track
    cine: Cine
    choice: EngineOptions
    engine: ChosenEngine[MotionEngine]
    seconds: float

    @property
    def frames(self) -> list[TrackedFrame]:
        """Every frame: ``labels`` on the grid of the cine, ``field`` to it in mm, quality and volumes in mL."""
        return list(self.result.frames)

    @property
    def volumes_ml(self) -> dict[str, np.ndarray]:
        """Volume of each part (LV, MYO, RV) in mL over the frames."""
        return {part: self.result.curve(part) for part in self.result.parts.parts()}

    @property
    def ejection(self) -> dict[str, dict[str, float | int]]:
        """Per cavity: largest and smallest volume (mL), their frames (from 1) and the ejected fraction in percent."""
        return {part: self.result.ejection(part) for part in self.result.parts.parts() if part != "MYO"}

    def save(self, folder: Path | str) -> Path:
        """Write the files that ``thoraxai cardiac track`` writes: labels, fields, curve, picture and track.json.

        Args:
            folder: Where to; it is made when it does not exist. Older results in it are replaced, all at once.

        Returns:
            The folder.

        Raises:
            OutputError: The folder cannot be written, or the disk is full.

        Example:
            >>> thoraxai.track("cine.nii.gz", "labels.nii.gz").save("out") / "track.json"
        """
        settings = track_settings(self.result.options, self.choice, self.engine, self.seconds)
        with OutputFolder(folder, owned_names(len(self.cine.frames))) as partial:
            write_images(self.result, self.cine, partial, Progress())
            write_track_report(self.result, self.cine, settings, partial)
        return Path(folder)

    def to_scene(self) -> object:
        """Put the labels of every frame into Slicer's scene as a sequence of label maps.

        Returns:
            The sequence node.

        Raises:
            MissingDependencyError: Neither Slicer nor slicer-core is there.

        Example:
            >>> thoraxai.track("cine.nii.gz", "labels.nii.gz").to_scene().GetNumberOfDataNodes()
        """
        slicer = host.install()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / SEQUENCE
            write_label_sequence([frame.labels for frame in self.frames], path)
            return slicer.util.loadNodeFromFile(str(path), "SequenceFile")

    def __repr__(self) -> str:
        told = ", ".join(f"{part} EF {found['ef_percent']:.0f} %" for part, found in self.ejection.items())
        return f"<Tracked cine of {len(self.frames)} frames: {told}>"


def track(
    cine: Path | str | Cine,
    labels: Path | str | Volume,
    frame: int = 1,
    options: TrackOptions | None = None,
    *,
    second_labels: Path | str | Volume | None = None,
    second_frame: int | None = None,
    progress: Report | None = None,
    **keywords: object,
) -> TrackedCine:
    """Carry the labels of one frame of a cine of the heart through all frames.

    Args:
        cine: A 4-D image file, a Slicer sequence (.seq.nrrd), a folder of DICOM slices, or a Cine.
        labels: Labels of one frame: a file, or a Volume on the grid of the cine.
        frame: Which frame the labels belong to, counted from 1.
        options: How; the defaults without it.
        second_labels: True labels of another frame, to score the result with.
        second_frame: Which frame they belong to.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.
        **keywords: Single options by name, instead of those in ``options``: the fields of TrackOptions (fusion,
            align_slices, order), and engine, preset, weights, threads and device.

    Returns:
        The tracked cine, with ``frames``, ``volumes_ml``, ``ejection``, ``save("folder")`` and ``to_scene()``.

    Raises:
        InputError: Cine, labels or an option cannot be used; one sentence says why and what to do.
        MissingDependencyError: The engine needs PyTorch where it is not installed.

    Example:
        >>> import thoraxai
        >>> tracked = thoraxai.track("cine.nii.gz", "labels.nii.gz", fusion="direct")
        >>> print(tracked.volumes_ml["LV"])
    """
    started, told = time.perf_counter(), Progress(progress)
    own, of_engine = option_names(TrackOptions), option_names(EngineOptions)
    check_keywords("track", keywords, (*own, *of_engine))
    if (second_labels is None) != (second_frame is None):
        raise InputError("The second labels and their frame belong together: give both or neither.")
    options = with_keywords("track", options or TrackOptions(), {n: keywords[n] for n in keywords if n in own})
    choice = _engine_options({n: keywords[n] for n in keywords if n in of_engine})
    engine = choice.choose()
    read = cine if isinstance(cine, Cine) else read_cine(_path(cine, "cine"), told.part(0.0, 0.05))
    index = read.index(frame)
    second = None if second_labels is None or second_frame is None else _second(second_labels, read, second_frame)
    result = track_cine(read, _labels(labels, read, frame), index, options, engine.made, second, told.part(0.05, 1.0))
    return TrackedCine(result, read, choice, engine, time.perf_counter() - started)


def _second(labels: Path | str | Volume, cine: Cine, frame: int) -> SecondLabels:
    return SecondLabels(_labels(labels, cine, frame), cine.index(frame))


def _engine_options(chosen: dict[str, object]) -> EngineOptions:
    """Return the options of the engine, with weights that were given as text as a path."""
    weights = chosen.get("weights")
    return with_keywords(
        "track", EngineOptions(), {**chosen, "weights": Path(weights)} if isinstance(weights, str) else chosen
    )


def _labels(labels: Path | str | Volume, cine: Cine, frame: int) -> Volume:
    if isinstance(labels, Volume):
        return labels
    return read_frame_labels(_path(labels, "label image"), cine.index(frame), len(cine.frames))


def _path(source: object, what: str) -> Path:
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"The {what} was given as {type(source).__name__}: give a path, or what is read from one.")
    return Path(source)
