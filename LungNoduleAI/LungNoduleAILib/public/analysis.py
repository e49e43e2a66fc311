"""``thoraxai.analyze``: one chest CT to findings, files and nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.analysis.analyze import analyze as analyze_volume
from LungNoduleAILib.analysis.engines import LungEngines, choose_engines
from LungNoduleAILib.cases.analyze_case import case_record, write_case
from LungNoduleAILib.cases.requests import CaseRequest
from LungNoduleAILib.model.files import ANALYSIS_FILES
from LungNoduleAILib.model.findings import Finding, Lungs, Removed
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress, Report
from ThoraxAILib.jobs.run_record import RunRecord, now
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.public.images import GivenImage, given_image
from ThoraxAILib.public.keywords import with_keywords
from ThoraxAILib.scene import host

if TYPE_CHECKING:
    import numpy as np

    from LungNoduleAILib.scene.result_nodes import ResultNodes


@dataclass(frozen=True, eq=False, repr=False)
class Analysis:
    """What was found in one chest CT. Made by ``thoraxai.analyze``.

    Attributes:
        result: All arrays and measurements, on the grid of the CT.
        options: The options it was made with.
        image: The CT as it was given.
        record: What is known of the run; ``save`` writes it as run.json.
        stages: Time and memory of each stage.
        engines: What took part, chosen once.

    Example:
        >>> analysis = thoraxai.analyze("ct.nrrd")
        >>> for finding in analysis.findings:
        ...     print(finding.id, finding.center_ras_mm, finding.mean_diameter_mm)
        >>> analysis.save("out")
    """

    result: AnalysisResult
    options: AnalysisOptions
    image: GivenImage
    record: RunRecord
    stages: Stages
    engines: LungEngines

    @property
    def findings(self) -> list[Finding]:
        """The nodules, the most suspicious first; sizes in mm, positions in RAS mm."""
        return list(self.result.findings.findings)

    @property
    def removed(self) -> list[Removed]:
        """Candidates that are not reported, each with the reason."""
        return list(self.result.findings.removed)

    @property
    def lungs(self) -> Lungs:
        """Volumes of the lungs in mL and the verdicts on them."""
        return self.result.findings.lungs

    @property
    def volume(self) -> Volume:
        """The CT: HU in ``array`` (k, j, i) and its place in ``ijk_to_ras``."""
        return self.result.volume

    @property
    def labels(self) -> np.ndarray:
        """uint8 (k, j, i) on the grid of the CT: 1 RUL, 2 RML, 3 RLL, 4 LUL, 5 LLL, 6 airways, 0 elsewhere."""
        return self.result.labels

    @property
    def notes(self) -> list[str]:
        """What was repaired or chosen while the CT was read, one sentence each."""
        return list(self.volume.notes)

    def save(self, folder: Path | str, scene: bool | None = None) -> Path:
        """Write the files that ``thoraxai lung analyze`` writes: findings, report, run record and Slicer files.

        Args:
            folder: Where to; it is made when it does not exist. Older results in it are replaced, all at once.
            scene: True writes scene.mrb, segmentation and points, False writes arrays.npz instead. A scene file holds
                the whole scene, so None writes it where Slicer's libraries are and the scene holds no other data.

        Returns:
            The folder.

        Raises:
            OutputError: The folder cannot be written, or the disk is full.
            MissingDependencyError: Scene files are wanted where Slicer's libraries are not installed.

        Example:
            >>> thoraxai.analyze("ct.nrrd").save("out") / "report.html"
        """
        with_scene = host.scene_is_free() if scene is None else scene
        request = CaseRequest(self.image.case, Path(folder), self.options, with_scene)
        record = case_record(request, self.engines, self.volume, self.record.started, self.image.files)
        with OutputFolder(folder, ANALYSIS_FILES) as partial:
            write_case(partial, request, self.result, record, Progress(), self.stages.copy())
        return Path(folder)

    def to_scene(self) -> ResultNodes:
        """Show the result in Slicer's scene as the module does: segmentation, points, boxes and table.

        A CT that was not given as a node becomes one. Works in Slicer and, with slicer-core, in plain Python.

        Returns:
            The nodes: ``volume``, ``segmentation``, ``points``, ``boxes``, ``table`` and ``text``.

        Raises:
            MissingDependencyError: Neither Slicer nor slicer-core is there.

        Example:
            >>> thoraxai.analyze("ct.nrrd").to_scene().segmentation.GetName()
        """
        host.install()
        from LungNoduleAILib.logic.logic import LungNoduleAILogic
        from ThoraxAILib.scene.volumes import node_from_volume

        node = self.image.node or node_from_volume(self.volume, self.image.name)
        return LungNoduleAILogic().show_result(node, self.result, self.record.to_dict())

    def __repr__(self) -> str:
        count = len(self.findings)
        lungs = self.lungs
        return f"<Analysis of {self.image.name}: {count} finding{'s' * (count != 1)}, lungs {lungs.in_words()}>"


def analyze(
    source: Path | str | Volume | object,
    options: AnalysisOptions | None = None,
    *,
    series_uid: str | None = None,
    progress: Report | None = None,
    **keywords: object,
) -> Analysis:
    """Find lungs, lobes, airways and nodules in a chest CT, and measure the nodules.

    Args:
        source: A DICOM folder or an image file (NRRD, NIfTI, MetaImage), a Volume in HU, or in Slicer a volume node
            or its name.
        options: How; the defaults without it.
        series_uid: Which DICOM series of a folder that holds several.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.
        **keywords: Single options by name, instead of those in ``options``: the fields of AnalysisOptions.

    Returns:
        The analysis, with ``findings``, ``lungs``, ``labels``, ``save("folder")`` and ``to_scene()``.

    Raises:
        InputError: The source or an option cannot be used; one sentence says why and what to do.
        MissingDependencyError: An option needs a package that is not installed.

    Example:
        >>> import thoraxai
        >>> analysis = thoraxai.analyze("ct.nrrd", threshold=0.5)
        >>> print(analysis.findings[0].mean_diameter_mm)
    """
    options = with_keywords("analyze", options or AnalysisOptions(), keywords)
    told, stages, started = Progress(progress), Stages(), now()
    engines = choose_engines(options)
    with stages.stage("read"):
        image = given_image(source, series_uid, told.part(0.0, 0.1))
    request = CaseRequest(image.case, Path(), options, with_scene=False)
    record = case_record(request, engines, image.volume, started, image.files)
    result = analyze_volume(image.volume, options, told.part(0.1, 1.0), stages, engines)
    ended, models = now(), engines.models()
    finished = replace(
        record, models=models, finished=ended, stages=tuple(stages.entries), peak_memory_mb=stages.peak_mb
    )
    return Analysis(result, options, image, finished, stages, engines)
