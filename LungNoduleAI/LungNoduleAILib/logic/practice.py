"""LungPractice: one practice case in terms of MRML nodes: the CT alone, the trainee's marks, then truth and score.

Case, marks and score stand on the nodes, so that they are saved with the scene; only the running time is not. The case
is made and scored in a worker (``thoraxai lung practice``), which knows the truth: until the marks are locked it is
nowhere in the scene.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import slicer
import vtk

from LungNoduleAILib.practice.score import Mark
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.scene.markups import LabeledPoint, points_node
from ThoraxAILib.scene.volumes import node_from_volume
from ThoraxAILib.untrusted.plain_json import read_plain_json

PREFIX = "LungNoduleAI.practice."
CASE, SCORE, TRUTH = PREFIX + "case", PREFIX + "score", PREFIX + "truth"
CT_FILE, SCORE_FILE = "ct.nrrd", "score.json"
MARK_COLOR, LOCKED_COLOR = (1.0, 0.85, 0.1), (0.7, 0.6, 0.2)
NODULE, SOFTWARE, LOOK_ALIKE = (0.2, 0.9, 0.3), (0.3, 0.7, 1.0), (0.75, 0.75, 0.75)
MAX_MARKS = 200  # as the command takes them


@dataclass(frozen=True)
class PracticeState:
    """The case as it stands: which one, the marks, the seconds since it was shown (None when that is not known), and
    the content of score.json once it is locked.
    """

    seed: int
    difficulty: str
    marks: tuple[Mark, ...]
    seconds: float | None
    score: dict | None = None


class LungPractice:
    """Show a case, mark, lock; the case is the one shown last. Positions are RAS mm.

    Methods raise InputError with one sentence where there is no case, or where it is locked.
    """

    def __init__(self) -> None:
        self._started: tuple[str, float] | None = None

    def volume(self):
        """CT of the case; None without one."""
        nodes = [n for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if n.GetAttribute(CASE)]
        return nodes[-1] if nodes else None

    def state(self) -> PracticeState | None:
        """Return the case as it stands; None without one."""
        node = self.volume()
        if node is None:
            return None
        case, score = json.loads(node.GetAttribute(CASE)), node.GetAttribute(SCORE)
        seconds = None
        if self._started is not None and self._started[0] == node.GetID():
            seconds = round(time.monotonic() - self._started[1], 1)
        told = json.loads(score) if score else None
        return PracticeState(case["seed"], case["difficulty"], self._marks(), seconds, told)

    def show_case(self, folder: Path, seed: int, difficulty: str):
        """Show the CT that a worker wrote, instead of an older case; the time runs from here. Returns its node."""
        from ThoraxAILib.io import read_volume

        if not (folder / CT_FILE).is_file():
            raise InputError("The practice case was not written: try again.")
        self.clear()
        node = node_from_volume(read_volume(folder / CT_FILE), f"Practice case {seed}, {difficulty}")
        node.SetAttribute(CASE, json.dumps({"seed": seed, "difficulty": difficulty}))
        marks = points_node("Practice marks", [], MARK_COLOR, LOCKED_COLOR)
        node.SetNodeReferenceID(PREFIX + "marks", marks.GetID())
        self._started = node.GetID(), time.monotonic()
        return node

    def clear(self) -> None:
        """Take the case out of the scene, with marks and truth."""
        node = self.volume()
        if node is None:
            return
        _remove_truth(node)
        for old in (node.GetNodeReference(PREFIX + "marks"), node):
            if old is not None:
                slicer.mrmlScene.RemoveNode(old)

    # Marks

    def add_mark(self, place_ras_mm: tuple[float, float, float]) -> int:
        """Mark a place; returns the number of the mark, from 0."""
        points = self._open_points()
        number = points.GetNumberOfControlPoints()
        if number >= MAX_MARKS:
            raise InputError(f"There are {MAX_MARKS} marks already: remove some first.")
        points.AddControlPointWorld(vtk.vtkVector3d(*place_ras_mm), f"Mark {number + 1}")
        points.SetNthControlPointLocked(number, True)
        return number

    def set_diameter(self, number: int, diameter_mm: float | None) -> None:
        """Say how large a marked nodule is; None takes it back."""
        points = self._point(number)
        points.SetNthControlPointDescription(number, "" if diameter_mm is None else f"{diameter_mm:.1f}")

    def remove_mark(self, number: int) -> None:
        """Take a mark back; those after it move up."""
        points = self._point(number)
        points.RemoveNthControlPoint(number)
        for index in range(points.GetNumberOfControlPoints()):
            points.SetNthControlPointLabel(index, f"Mark {index + 1}")

    def _point(self, number: int):
        points = self._open_points()
        if not 0 <= number < points.GetNumberOfControlPoints():
            raise InputError(f"There is no mark {number + 1}: choose one of the table.")
        return points

    def _open_points(self):
        state = self.state()
        if state is None:
            raise InputError("There is no practice case: press Next case.")
        if state.score is not None:
            raise InputError("The marks of this case are locked: go on to the next case.")
        return self._points()

    def _points(self):
        node = self.volume()
        points = None if node is None else node.GetNodeReference(PREFIX + "marks")
        if points is None:
            raise InputError("The marks of this case left the scene: go on to the next case.")
        return points

    def _marks(self) -> tuple[Mark, ...]:
        points = self._points()
        found = []
        for number in range(points.GetNumberOfControlPoints()):
            place = [0.0, 0.0, 0.0]
            points.GetNthControlPointPositionWorld(number, place)
            size = points.GetNthControlPointDescription(number)
            found.append(Mark((place[0], place[1], place[2]), float(size) if size else None))
        return tuple(found)

    # Truth

    def show_score(self, folder: Path) -> PracticeState:
        """Keep and show the score, the nodules, the software's marks and the look-alikes that a worker wrote."""
        node, state = self.volume(), self.state()
        if node is None or state is None:
            raise InputError("The practice case left the scene: press Next case.")
        try:
            document = read_plain_json(folder / SCORE_FILE)
            if (document["seed"], document["difficulty"]) != (state.seed, state.difficulty):
                raise ValueError("another case")
            _show_truth(node, document)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"The folder holds no score of this case ({type(error).__name__}): lock again.") from error
        node.SetAttribute(SCORE, json.dumps(document))
        return PracticeState(state.seed, state.difficulty, state.marks, state.seconds, document)


def write_marks(path: Path, marks: Sequence[Mark]) -> Path:
    """Write marks as ``thoraxai lung practice --marks`` reads them; raises OutputError."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = SafeWriter(file)
            writer.writerow(("r_mm", "a_mm", "s_mm", "diameter_mm"))
            writer.writerows((*mark.center_ras_mm, mark.diameter_mm) for mark in marks)
    except OSError as error:
        raise OutputError(f"The marks cannot be written ({error.strerror}): free some space.") from error
    return path


def _show_truth(volume_node, document: dict) -> None:
    """Make the points of score.json (see practice_case), instead of older ones of the same CT."""
    _remove_truth(volume_node)
    nodules = [
        LabeledPoint(tuple(one["center_ras_mm"]), f"{one['diameter_mm']:.1f} mm {one['type']}", "planted nodule")
        for one in document["nodules"]
    ]
    software = [
        LabeledPoint(tuple(one["center_ras_mm"]), "software", "mark of the software")
        for one in document["software_marks"] or ()
    ]
    alike = [LabeledPoint(tuple(one["center_ras_mm"]), one["what"], one["why"]) for one in document["look_alikes"]]
    for name, points, color in (
        ("Practice truth", nodules, NODULE),
        ("Practice software", software, SOFTWARE),
        ("Practice look-alikes", alike, LOOK_ALIKE),
    ):
        node = points_node(name, points, color, color)
        volume_node.AddNodeReferenceID(TRUTH, node.GetID())


def _remove_truth(volume_node) -> None:
    """Take the points out of the scene."""
    count = volume_node.GetNumberOfNodeReferences(TRUTH)
    for node in [volume_node.GetNthNodeReference(TRUTH, index) for index in range(count)]:
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)
    volume_node.RemoveNodeReferenceIDs(TRUTH)
