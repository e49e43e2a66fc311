"""``thoraxai lung review SCENE.mrb``: do a written review on a saved result and write all its files again."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungNoduleAILib.cases.requests import ReviewRequest
from LungNoduleAILib.cli.findings.summary import describe_findings
from LungNoduleAILib.model.files import SCENE_FILE
from ThoraxAILib.errors import InputError
from ThoraxAILib.scene import host


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``review``."""
    parser = commands.add_parser(
        "review",
        help="decide, correct and state in a saved result, and write report and files again",
        description="Does what the panel does: the review is in the scene and can be undone there.",
    )
    ReviewRequest.add_arguments(parser)
    parser.set_defaults(run=_review)


def _review(arguments: argparse.Namespace) -> int:
    request = ReviewRequest.from_arguments(arguments)
    scene = request.scene / SCENE_FILE if request.scene.is_dir() else request.scene
    if not scene.is_file():
        raise InputError(f"'{request.scene.name}' holds no {SCENE_FILE}: give a scene or the folder of a result.")
    slicer = host.install()
    from LungNoduleAILib.logic.logic import LungNoduleAILogic
    from LungNoduleAILib.logic.review_script import do_acts, read_acts
    from ThoraxAILib.scene.files.opening import safe_description

    acts = [] if request.changes is None else read_acts(request.changes)
    with safe_description(scene.resolve()) as description:
        slicer.mrmlScene.Clear(0)
        try:
            slicer.util.loadScene(str(description))
        except RuntimeError as error:
            raise InputError(f"'{scene.name}' cannot be opened as a scene: save it again in Slicer.") from error
    logic = LungNoduleAILogic()
    if logic.result_nodes() is None:
        raise InputError(f"'{scene.name}' holds no result of an analysis: save the scene after Analyze.")
    if request.reader:
        logic.review.set_reader(request.reader)
    done = do_acts(logic.review, acts)
    folder = _made(request.output)
    logic.save_result(folder)
    findings = logic.review.findings()
    print("\n".join([f"{done} changes done.", *describe_findings(folder.name, findings)]))
    slicer.mrmlScene.Clear(0)
    return 0


def _made(folder: Path) -> Path:
    from ThoraxAILib.jobs.outputs.output_folder import output_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error) from error
    return folder
