"""``thoraxai.follow_up``: two or more chest CTs of one person to pairs, growth, files and nodes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.analysis.engines import LungEngines, choose_engines
from LungNoduleAILib.analysis.follow_up import FollowUpResult
from LungNoduleAILib.analysis.follow_up import follow_up as follow_volumes
from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cases.two_dates.follow_up_case import follow_up_record, write_follow_up
from LungNoduleAILib.cases.two_dates.registration_files import save_registration
from LungNoduleAILib.followup.growth.scans import check_scans
from LungNoduleAILib.model.files import FOLLOW_UP_FILES, MAX_SCANS, TRANSFORM_FILE
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.pairs import FollowUp, Pair, Track
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress, Report
from ThoraxAILib.jobs.run_record import RunRecord, now
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.public.images import GivenImage, given_image
from ThoraxAILib.public.keywords import check_keywords, option_names, with_keywords
from ThoraxAILib.scene import host

if TYPE_CHECKING:
    from collections.abc import Mapping

DATES = ("prior", "current")


@dataclass(frozen=True, eq=False, repr=False)
class FollowUpAnalysis:
    """What two or more chest CTs of one person say together. Made by ``thoraxai.follow_up``.

    Attributes:
        result: The analysis of each scan, and the comparison of every two successive ones.
        options: The options it was made with.
        images: The scans as they were given, the oldest first.
        record: What is known of the run; ``save`` writes it as run.json.
        stages: Time and memory of each stage.
        engines: What took part, chosen once.

    Example:
        >>> compared = thoraxai.follow_up("prior.nrrd", "current.nrrd", days=180)
        >>> for pair in compared.pairs:
        ...     print(pair.status, pair.growth and pair.growth.growth)
        >>> compared.save("out")
    """

    result: FollowUpResult
    options: FollowUpOptions
    images: tuple[GivenImage, ...]
    record: RunRecord
    stages: Stages
    engines: LungEngines

    @property
    def follow_up(self) -> FollowUp:
        """Scans, intervals and tracks: the content of pairs.json."""
        return self.result.follow_up

    @property
    def pairs(self) -> list[Pair]:
        """The nodules of the last two dates: matched, new, resolved or uncertain, with growth and doubling time."""
        return list(self.follow_up.intervals[-1].pairs)

    @property
    def tracks(self) -> list[Track]:
        """One row per nodule over all dates."""
        return list(self.follow_up.tracks)

    @property
    def findings(self) -> list[list[Finding]]:
        """The findings of each scan, the oldest first."""
        return [list(analysis.findings.findings) for analysis in self.result.analyses]

    @property
    def warnings(self) -> list[str]:
        """What to be careful about when the last two scans are compared, one sentence each."""
        return list(self.follow_up.intervals[-1].warnings)

    @property
    def difference(self) -> Volume | None:
        """What changed inside the lungs (HU, current minus prior); None where the scans were not registered."""
        difference = self.result.comparisons[-1].difference
        return None if difference is None else difference.volume

    @property
    def warped_prior(self) -> Volume | None:
        """The prior scan as it lies in the current one; None where the scans were not registered."""
        registration = self.result.comparisons[-1].registration
        return None if registration is None else registration.warped_prior

    def save(self, folder: Path | str, scene: bool | None = None, dicom: bool = False) -> Path:
        """Write the files that ``thoraxai lung follow-up`` writes: pairs, findings, registration, report and scene.

        Args:
            folder: Where to; it is made when it does not exist. Older results in it are replaced, all at once.
            scene: Whether to write scene.mrb. A scene file holds the whole scene, so None writes it where Slicer's
                libraries are and the scene holds no other data.
            dicom: Whether to write DICOM results of the last two dates too: SEG of the nodules of each, and an SR of
                growth and doubling time (needs highdicom and CTs that are DICOM).

        Returns:
            The folder.

        Raises:
            OutputError: The folder cannot be written, or the disk is full.
            MissingDependencyError: A scene is wanted where Slicer's libraries are not installed.

        Example:
            >>> thoraxai.follow_up("prior.nrrd", "current.nrrd").save("out") / "report.html"
        """
        with_scene = host.scene_is_free() if scene is None else scene
        request = replace(_request(self.images, self.options, Path(folder), with_scene), with_dicom=dicom)
        record = _record(request, self.engines, self.images, self.record.started)
        with OutputFolder(folder, FOLLOW_UP_FILES) as partial:
            write_follow_up(partial, request, self.result, record, Progress(), self.stages.copy())
        return Path(folder)

    def to_scene(self) -> object:
        """Show the follow-up of the last two scans in Slicer's scene: table, points of both dates, chart, transform.

        Scans that were not given as nodes become some. Works in Slicer and, with slicer-core, in plain Python.

        Returns:
            The text node of the follow-up, from which all its other nodes are referenced.

        Raises:
            MissingDependencyError: Neither Slicer nor slicer-core is there.

        Example:
            >>> thoraxai.follow_up("prior.nrrd", "current.nrrd").to_scene().GetName()
        """
        host.install()
        from LungNoduleAILib.logic.follow_up import LungFollowUpLogic
        from LungNoduleAILib.scene.follow_up_scene import follow_up_data
        from ThoraxAILib.scene.volumes import node_from_volume

        prior, current = (image.node or node_from_volume(image.volume, image.name) for image in self.images[-2:])
        registration = self.result.comparisons[-1].registration
        with tempfile.TemporaryDirectory() as folder:
            if registration is not None:
                save_registration(Path(folder), registration)
            transform = None if registration is None else Path(folder) / TRANSFORM_FILE
            shown = follow_up_data(self.result, transform, with_warped_prior=True)
            return LungFollowUpLogic().show_result(prior, current, shown)

    def __repr__(self) -> str:
        statuses = [pair.status for pair in self.pairs]
        told = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses)) or "no nodules"
        return f"<Follow-up of {len(self.images)} scans: {told}>"


def follow_up(
    prior: Path | str | Volume | object,
    current: Path | str | Volume | object,
    *later: Path | str | Volume | object,
    options: FollowUpOptions | None = None,
    progress: Report | None = None,
    **keywords: object,
) -> FollowUpAnalysis:
    """Find the nodules of two or more chest CTs of one person, match them, and say what grew, appeared or went away.

    Args:
        prior: The oldest CT: a path, a Volume in HU, or in Slicer a volume node or its name.
        current: The next CT.
        *later: More CTs in order of time.
        options: How; the defaults without it.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.
        **keywords: Single options by name, instead of those in ``options``: the fields of FollowUpOptions, and those
            of AnalysisOptions for the analysis of each scan.

    Returns:
        The follow-up, with ``pairs``, ``tracks``, ``findings``, ``save("folder")`` and ``to_scene()``.

    Raises:
        InputError: A scan or an option cannot be used; one sentence says why and what to do.

    Example:
        >>> import thoraxai
        >>> compared = thoraxai.follow_up("prior.nrrd", "current.nrrd", days=180)
        >>> print(compared.pairs[0].growth.volume_change_percent)
    """
    options = _options(options or FollowUpOptions(), keywords)
    sources = (prior, current, *later)
    if len(sources) > MAX_SCANS:
        raise InputError(f"At most {MAX_SCANS} scans can be followed at once, {len(sources)} were given.")
    told, stages, started = Progress(progress), Stages(), now()
    engines = choose_engines(options)
    with stages.stage("read"):
        names = [DATES[n] if len(sources) == 2 else f"scan {n + 1}" for n in range(len(sources))]
        images = tuple(
            given_image(source, None, told.part(0.0, 0.08), name) for source, name in zip(sources, names, strict=True)
        )
    check_scans([image.volume for image in images], options.days)
    record = _record(_request(images, options, Path(), False), engines, images, started)
    result = follow_volumes([image.volume for image in images], options, told.part(0.08, 1.0), stages, engines)
    ended, models = now(), engines.models()
    finished = replace(
        record, models=models, finished=ended, stages=tuple(stages.entries), peak_memory_mb=stages.peak_mb
    )
    return FollowUpAnalysis(result, options, images, finished, stages, engines)


def _options(options: FollowUpOptions, keywords: Mapping[str, object]) -> FollowUpOptions:
    """Return the options with single ones changed, those of the analysis of each scan included."""
    own, of_analysis = option_names(FollowUpOptions), option_names(type(options.analysis))
    check_keywords("follow_up", keywords, (*own, *of_analysis))
    changed = with_keywords("follow_up", options, {name: keywords[name] for name in keywords if name in own})
    inner = {name: keywords[name] for name in keywords if name in of_analysis and name not in own}
    return replace(changed, analysis=with_keywords("follow_up", changed.analysis, inner)) if inner else changed


def _request(images: tuple[GivenImage, ...], options: FollowUpOptions, folder: Path, scene: bool) -> FollowUpRequest:
    return FollowUpRequest(tuple(image.case.path for image in images), folder, options, scene)


def _record(request: FollowUpRequest, engines: LungEngines, images: tuple[GivenImage, ...], started: str) -> RunRecord:
    volumes, names = [image.volume for image in images], [image.name for image in images]
    return follow_up_record(request, engines, volumes, names, started)
