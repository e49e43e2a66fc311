"""The CT that a public function was given: a path, a Volume, or in Slicer a volume node or its name."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import Case, find_cases, read_volume
from ThoraxAILib.io.slices.dicom_headers import files_below
from ThoraxAILib.jobs.progress import Progress

IN_MEMORY = "volume"


@dataclass(frozen=True, eq=False)
class GivenImage:
    """An image as it was given: the volume, a name for its files, from how many files, and its node where it has one.

    ``case`` is what the command line would work on; without a path its path names nothing.
    """

    volume: Volume
    case: Case
    files: int
    node: object | None = None

    @property
    def name(self) -> str:
        """The name of the case."""
        return self.case.name


def given_image(source: object, series_uid: str | None, progress: Progress, name: str = IN_MEMORY) -> GivenImage:
    """Read or take over ``source``: a path, a Volume, a volume node, or the name of one where Slicer runs.

    ``series_uid`` chooses one of several DICOM series; ``name`` stands for images without a path. Raises InputError
    for anything else, and for what cannot be read.
    """
    if isinstance(source, Volume):
        return GivenImage(source, _nowhere(name), 0)
    if _is_volume_node(source):
        return _of_node(source)
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"The image was given as {type(source).__name__}: give a path, a Volume or a volume node.")
    path = Path(source)
    if not path.exists() and _slicer_runs():
        node = _node_named(str(source))
        if node is not None:
            return _of_node(node)
    return _read(path, series_uid, progress)


def _read(path: Path, series_uid: str | None, progress: Progress) -> GivenImage:
    """Return the one case at a path, as the command line finds it; raises InputError when there are several."""
    if series_uid is not None:
        case = Case(path.resolve().name, path, series_uid)
    else:
        cases = find_cases([path])
        if len(cases) > 1:
            raise InputError(f"'{path.name}' holds {len(cases)} cases: give one of them, or choose with series_uid=...")
        case = cases[0]
    files = 1 if case.path.is_file() else len(files_below(case.path))
    return GivenImage(read_volume(case.path, case.selection, progress), case, files)


def _of_node(node: object) -> GivenImage:
    from ThoraxAILib.scene.volumes import volume_from_node

    return GivenImage(volume_from_node(node), _nowhere(IN_MEMORY), 0, node)


def _nowhere(name: str) -> Case:
    return Case(name, Path(os.devnull))


def _is_volume_node(source: object) -> bool:
    """Whether this is a volume node of Slicer, told without Slicer's libraries."""
    return all(hasattr(source, name) for name in ("GetImageData", "GetIJKToRASMatrix", "GetParentTransformNode"))


def _slicer_runs() -> bool:
    return getattr(sys.modules.get("slicer"), "mrmlScene", None) is not None


def _node_named(name: str) -> object | None:
    from ThoraxAILib.scene.volumes import volume_node_named

    return volume_node_named(name)
