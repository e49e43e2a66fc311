"""CinePractice: one practice case in terms of MRML nodes: the beating images alone, the reading, then the score.

Case, reading and score stand on the browser of the frames, so that they are saved with the scene; the case and what was
read so far are also kept beside the scores, so that a program that was killed goes on with it. The case is made and
scored in a worker (``thoraxai cardiac practice``), which knows the truth: until the reading is locked it is nowhere in
the scene.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import slicer

from CardiacBiomechLib.cases.practice.requests import PRACTICE, PracticeRequest
from CardiacBiomechLib.practice.own_cases import OWN
from CardiacBiomechLib.scene.frame_sequences import add_sequence
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_command, child_environment
from ThoraxAILib.jobs.work_folder import WorkFolder
from ThoraxAILib.practice.open_case import keep_open_case, read_open_case
from ThoraxAILib.practice.score_book import MEDIUM
from ThoraxAILib.scene.volumes import node_from_volume
from ThoraxAILib.untrusted.plain_json import read_plain_json

PREFIX = "CardiacBiomech.practice."
CASE, DRAFTS, SCORE, SEQUENCE = (PREFIX + name for name in ("case", "drafts", "score", "sequence"))
CINE_FILE, CASE_FILE, SCORE_FILE = "cine.seq.nrrd", "case.json", "score.json"
PACKAGES = ("ThoraxAILib", "CardiacBiomechLib")
MAX_DRAFTS = 50


@dataclass(frozen=True)
class Draft:
    """What was read so far; None is not read yet."""

    ed_frame: int | None = None
    es_frame: int | None = None
    ef_percent: float | None = None
    diagnosis: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to read."""
        return None not in vars(self).values()


@dataclass(frozen=True)
class PracticeState:
    """The case as it stands: which one, of how many frames, whose heart, what was read so far and whether that can be
    undone, the seconds it took (None when not known), and the content of score.json once it is locked.
    """

    seed: int
    difficulty: str
    folder: str
    frames: int
    person: dict[str, float | None]
    draft: Draft
    can_undo: bool
    seconds: float | None
    score: dict[str, Any] | None = None

    @property
    def cases(self) -> Path | None:
        """The folder of one's own cases, None for synthetic ones."""
        return Path(self.folder) if self.folder else None


class CinePractice:
    """Show a case, read, lock; the case is the one shown last.

    Methods raise InputError with one sentence where there is no case, or where it is locked.
    """

    def __init__(self) -> None:
        self._clock: tuple[str, float, float] | None = None  # node, when it was shown, seconds before that

    def browser(self):
        """Browser of the case's frames; None without one."""
        nodes = [n for n in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode") if n.GetAttribute(CASE)]
        return nodes[-1] if nodes else None

    def image(self):
        """Image node of the frame that is shown; None without a case."""
        browser = self.browser()
        sequence = None if browser is None else browser.GetNodeReference(SEQUENCE)
        return None if sequence is None else browser.GetProxyNode(sequence)

    def state(self) -> PracticeState | None:
        """Return the case as it stands; None without one."""
        node = self.browser()
        if node is None:
            return None
        case, score, drafts = json.loads(node.GetAttribute(CASE)), node.GetAttribute(SCORE), _drafts(node)
        seconds = None
        if self._clock is not None and self._clock[0] == node.GetID():
            seconds = round(self._clock[2] + time.monotonic() - self._clock[1], 1)
        return PracticeState(
            case["seed"], case["difficulty"], case["folder"], case["frames"], case["person"], drafts[-1],
            len(drafts) > 1 and not score, seconds, json.loads(score) if score else None,
        )  # fmt: skip

    def show_case(self, output: Path, folder: Path | None, progress_file: Path):
        """Show the frames that a worker wrote, instead of an older case, with what was read of it before a kill.

        The time runs on from here. Returns the browser.
        """
        from CardiacBiomechLib.cine.read_cine import read_frames

        if not (output / CINE_FILE).is_file():
            raise InputError("The practice case was not written: try again.")
        case = {**read_plain_json(output / CASE_FILE), "folder": "" if folder is None else str(folder)}
        frames = read_frames(output / CINE_FILE)
        self.clear()
        name = f"Practice case {case['seed']}"
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", name)
        sequence = add_sequence(
            browser, f"{name} cine", len(frames), None, lambda at: node_from_volume(frames[at], name)
        )  # fmt: skip
        browser.SetNodeReferenceID(SEQUENCE, sequence.GetID())
        browser.SetAttribute(CASE, json.dumps(case))
        kept = self.kept(progress_file, case["difficulty"], folder)
        kept = kept if kept is not None and kept["seed"] == case["seed"] else {}
        browser.SetAttribute(DRAFTS, json.dumps([kept.get("draft", {})]))
        self._clock = browser.GetID(), time.monotonic(), float(kept.get("seconds") or 0.0)
        self.show_frame(1)
        self.keep(progress_file)
        return browser

    def show_frame(self, number: int) -> None:
        """Show a frame, counted from 1."""
        browser = self.browser()
        if browser is not None:
            browser.SetSelectedItemNumber(number - 1)
            slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)

    def shown_frame(self) -> int:
        """Return which frame is shown, counted from 1."""
        browser = self.browser()
        return 1 if browser is None else browser.GetSelectedItemNumber() + 1

    def clear(self) -> None:
        """Take the case out of the scene."""
        browser, image = self.browser(), self.image()
        if browser is None:
            return
        browser.SetPlaybackActive(False)
        for node in (image, browser.GetNodeReference(SEQUENCE), browser):
            if node is not None:
                slicer.mrmlScene.RemoveNode(node)

    # Reading

    def read(self, **told: Any) -> None:
        """Say something of the reading: ``ed_frame``, ``es_frame``, ``ef_percent``, ``diagnosis``."""
        node = self._open()
        drafts = _drafts(node)
        new = replace(drafts[-1], **told)
        if new != drafts[-1]:
            _set_drafts(node, [*drafts, new])

    def undo(self) -> None:
        """Take back what was said last."""
        node = self._open()
        drafts = _drafts(node)
        if len(drafts) < 2:
            raise InputError("There is nothing to undo.")
        _set_drafts(node, drafts[:-1])

    def keep(self, progress_file: Path) -> None:
        """Keep case and reading beside the scores; raises OutputError."""
        state = self.state()
        if state is None or state.score is not None:
            return
        cases = "" if state.cases is None else state.cases.resolve().name
        found = {"seed": state.seed, "difficulty": state.difficulty, "cases": cases}
        try:
            progress_file.parent.mkdir(parents=True, exist_ok=True)
            keep_open_case(progress_file, {**found, "draft": vars(state.draft), "seconds": state.seconds})
        except OSError as error:
            raise OutputError(f"The open case cannot be kept ({error.strerror}): free some space.") from error

    def kept(self, progress_file: Path, difficulty: str, folder: Path | None) -> dict[str, Any] | None:
        """Return the case of a kind that was kept when the program ended, None without one."""
        found = read_open_case(progress_file)
        cases = "" if folder is None else folder.resolve().name
        if found is None or (found.get("difficulty"), found.get("cases")) != (difficulty, cases):
            return None
        try:
            Draft(**found.get("draft", {}))
        except TypeError:
            return None
        return found if isinstance(found.get("seed"), int) else None

    def _open(self):
        state = self.state()
        if state is None:
            raise InputError("There is no practice case: press Next case.")
        if state.score is not None:
            raise InputError("The reading of this case is locked: go on to the next case.")
        return self.browser()

    # Truth

    def show_score(self, output: Path) -> PracticeState:
        """Keep the score, the truth and the reasons that a worker wrote, and show end-diastole."""
        node, state = self.browser(), self.state()
        if node is None or state is None:
            raise InputError("The practice case left the scene: press Next case.")
        try:
            document = read_plain_json(output / SCORE_FILE)
            if (document["seed"], document["difficulty"]) != (state.seed, state.difficulty):
                raise ValueError("another case")
            self.show_frame(int(document["truth"]["ed_frame"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"The folder holds no score of this case ({type(error).__name__}): lock again.") from error
        node.SetAttribute(SCORE, json.dumps(document))
        return replace(state, score=document, can_undo=False)


def _drafts(browser) -> list[Draft]:
    return [Draft(**one) for one in json.loads(browser.GetAttribute(DRAFTS) or "[{}]")]


def _set_drafts(browser, drafts: list[Draft]) -> None:
    browser.SetAttribute(DRAFTS, json.dumps([vars(one) for one in drafts[-MAX_DRAFTS:]]))


def practice_case_job(seed: int, difficulty: str, folder: Path | None) -> ChildJob:
    """Return a job that makes a practice case; its ``output`` is for CinePractice.show_case."""
    work = WorkFolder()
    request = PracticeRequest(work.path / "case", seed, _asked(difficulty), folder)
    return ChildJob(child_command(PRACTICE, request), child_environment(PACKAGES), work)


def practice_score_job(case: PracticeState, progress_file: Path, model: Path | None = None) -> ChildJob:
    """Return a job that scores a locked reading, lets the software read the case too, and adds to the progress.

    Its ``output`` is for CinePractice.show_score. Raises InputError for half a reading.
    """
    if not case.draft.is_whole:
        raise InputError("The reading lacks something: give both frames, the ejection fraction and a diagnosis.")
    work = WorkFolder()
    draft = case.draft
    request = PracticeRequest(
        work.path / "score",
        case.seed,
        _asked(case.difficulty),
        case.cases,
        draft.ed_frame,
        draft.es_frame,
        draft.ef_percent,
        draft.diagnosis,
        case.seconds,
        analyze=True,
        model=model,
        progress=progress_file,
    )
    return ChildJob(child_command(PRACTICE, request), child_environment(PACKAGES), work)


def _asked(difficulty: str) -> str:
    """Return the difficulty as the command takes it; cases of one's own have none."""
    return MEDIUM if difficulty == OWN else difficulty
