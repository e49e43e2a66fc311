"""What a reader left of an earlier analysis, read back from a saved scene or from what a panel hands over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from LungNoduleAILib.analysis.turned_masks import volume_in_lps
from LungNoduleAILib.model.files import SCENE_FILE
from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.model.reviewed import ReviewedScan, fits, reviewed_from_dict
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.untrusted.plain_json import read_plain_json


def read_reviews(reviews: Sequence[ReviewedScan], volumes: Sequence[Volume]) -> dict[int, Findings]:
    """Return the findings of each reviewed scan by its number from 0, masks on the scan in LPS order.

    Raises InputError for a review that cannot be read or is of another CT.
    """
    return {one.scan - 1: read_review(one.review, volumes[one.scan - 1]) for one in reviews}


def read_review(path: Path, volume: Volume) -> Findings:
    """Return the findings of one CT from a folder with scene.mrb, a scene, or the JSON of ``reviewed_to_dict``."""
    if path.suffix.lower() == ".json":
        return _of_json(path, volume)
    scene = path / SCENE_FILE if path.is_dir() else path
    if not scene.is_file():
        raise InputError(f"'{path.name}' holds no {SCENE_FILE}: give the folder or the scene of a saved review.")
    return _of_scene(scene, volume)


def _of_json(path: Path, volume: Volume) -> Findings:
    try:
        return reviewed_from_dict(read_plain_json(path), volume_in_lps(volume))
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The review '{path.name}' cannot be read ({type(error).__name__}): give the folder or scene.mrb that was "
            "saved."
        ) from error


def _of_scene(scene: Path, volume: Volume) -> Findings:
    """Return the findings of the scene's result whose CT is ``volume``: of its series, else with its voxels."""
    from ThoraxAILib.scene import host

    slicer = host.install()
    from LungNoduleAILib.scene.result_nodes import result_nodes_of, result_texts
    from ThoraxAILib.scene.files.opening import safe_description
    from ThoraxAILib.scene.volumes import volume_from_node

    ordered, found = volume_in_lps(volume), []
    with safe_description(scene.resolve()) as description:
        slicer.mrmlScene.Clear(0)
        try:
            slicer.util.loadScene(str(description))
        except RuntimeError as error:
            raise InputError(f"'{scene.name}' cannot be opened as a scene: save it again in Slicer.") from error
    try:
        for nodes in filter(None, map(result_nodes_of, result_texts())):
            if nodes.volume is None:
                continue
            ct = volume_in_lps(volume_from_node(nodes.volume))
            if fits(ordered, ct.array.shape, ct.ijk_to_ras):
                found.append((ct.identity.series_uid, nodes.findings()))
    finally:
        slicer.mrmlScene.Clear(0)
    return _only_one(scene.name, volume, found)


def _only_one(name: str, volume: Volume, found: Sequence[tuple[str, Findings]]) -> Findings:
    uid = volume.identity.series_uid
    of_series = [findings for series, findings in found if uid and uid in (series, findings.series_uid)]
    chosen = of_series or [findings for _series, findings in found]
    if not chosen:
        raise InputError(f"'{name}' holds no review of this CT: give the scene in which it was reviewed.")
    if len(chosen) > 1:
        raise InputError(f"'{name}' holds {len(chosen)} reviews of CTs with the same voxels: save one of them alone.")
    return chosen[0]
