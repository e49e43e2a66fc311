"""The child processes of the panel: they are asked, run and record what the panel chose, all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.asked import analysis_options, follow_up_options, record_in
from LungNoduleAILib.cases.requests import AnalyzeRequest, FollowUpRequest, PhantomRequest
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.cli.main import build_parser, main
from ThoraxAILib.scene.volumes import node_from_volume


@pytest.fixture
def jobs(slicer):
    """The module that makes the jobs."""
    from LungNoduleAILib.logic import jobs

    return jobs


def test_an_analysis(jobs, logic, chest_node, analyses_run):
    options = analysis_options()
    job = jobs.analysis_job(logic, chest_node, options)
    request = AnalyzeRequest.from_arguments(build_parser().parse_args(job.command[3:]))
    assert job.command[1:5] == ("-m", "ThoraxAILib", "lung", "analyze")
    assert job.command[-2:] == ("--events", "-")
    assert request == AnalyzeRequest(request.inputs, request.output, options, with_scene=False)
    assert main(job.command[3:]) == 0
    run = record_in(request.output)
    assert analyses_run == [options]
    assert AnalysisOptions.from_dict({name: run["options"][name] for name in options.to_dict()}) == options
    job.close()
    assert not request.inputs[0].exists()


def test_a_follow_up(jobs, logic, chest, chest_node):
    options = follow_up_options()
    job = jobs.follow_up_job(logic, node_from_volume(chest, "prior"), chest_node, options)
    request = FollowUpRequest.from_arguments(build_parser().parse_args(job.command[3:]))
    assert [path.name for path in request.inputs] == ["prior.nrrd", "current.nrrd"]
    assert request == FollowUpRequest(request.inputs, request.output, options, with_scene=False)
    job.close()


def test_the_sample(jobs):
    job = jobs.sample_job()
    request = PhantomRequest.from_arguments(build_parser().parse_args(job.command[3:]))
    assert request == PhantomRequest(Path(request.output))
    job.close()


def test_the_panel_remembers_every_option_with_the_scene(slicer, logic):
    from LungNoduleAILib.logic.parameters import PanelSettings, Parameters

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    options = analysis_options()
    Parameters(node).options = options
    Parameters(node).panel = PanelSettings("/somewhere else", with_dicom=True)
    assert Parameters(node).options == options
    assert Parameters(node).panel == PanelSettings("/somewhere else", with_dicom=True)


def test_a_scene_of_an_earlier_version_keeps_its_settings(slicer):
    from LungNoduleAILib.logic.parameters import Parameters

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    for name, text in (("detector", "classical"), ("anatomy", "learned"), ("threshold", "-1.0"), ("device", "gpu")):
        node.SetParameter(name, text)
    assert Parameters(node).options == AnalysisOptions(detector="classical", anatomy="learned")
