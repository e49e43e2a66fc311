"""What a reader left of an analysis goes to a comparison: from the panel's scene, or from a saved one by a command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fixtures.synthetic_chest import nodule
from LungNoduleAILib.analysis.turned_masks import volume_in_lps
from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cases.saved_reviews import read_review
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.mask_text import mask_to_dict
from LungNoduleAILib.model.reviewed import ReviewedScan, reviewed_to_dict
from ThoraxAILib.cli.main import build_parser
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.volumes import node_from_volume


@pytest.fixture
def reviewed(logic, shown, chest):
    """Findings with a rejection, a changed type, another outline and an added nodule."""
    logic.review.delineator = "classical"
    logic.set_finding_status("Nodule_01", "rejected", "vessel")
    logic.review.state("Nodule_02", "type", "part-solid")
    logic.review.resize("Mass_01", logic.review.step_mm())
    logic.review.add(nodule(volume_in_lps(chest), 9, (3, 20, 22)))
    return logic.review.findings()


def entries(findings) -> list:
    outlines = [None if one.mask is None else mask_to_dict(one.mask) for one in findings.findings]
    return [findings.to_dict(), outlines]


def asked(job) -> FollowUpRequest:
    return FollowUpRequest.from_arguments(build_parser().parse_args(job.command[3:]))


def test_the_panel_hands_over_what_the_reader_left_of_each_ct(logic, chest, chest_node, reviewed):
    from LungNoduleAILib.logic.jobs import follow_up_job

    job = follow_up_job(logic, node_from_volume(chest, "prior"), chest_node, FollowUpOptions())
    (one,) = asked(job).reviewed
    assert one.scan == 2
    assert entries(read_review(one.review, chest)) == entries(reviewed)
    job.close()
    assert not one.review.exists()


def test_an_analysis_that_nobody_reviewed_is_not_handed_over(logic, chest, chest_node, shown):
    from LungNoduleAILib.logic.jobs import follow_up_job

    job = follow_up_job(logic, node_from_volume(chest, "prior"), chest_node, FollowUpOptions())
    assert asked(job).reviewed == ()
    job.close()


def test_an_outline_drawn_in_the_segment_editor_is_measured_before_it_goes(logic, shown, chest, chest_node):
    from ThoraxAILib.scene.segment_masks import segment_masks, set_segment_mask

    volume = volume_in_lps(chest)
    drawn = segment_masks(shown.segmentation, ["Nodule_01"], volume)["Nodule_01"]
    grown = type(drawn)(drawn.offset_kji, np.ones_like(np.asarray(drawn.array)))
    set_segment_mask(shown.segmentation, "Nodule_01", grown, volume)
    logic.review.delineator = "classical"
    found = logic.review_of(chest_node)
    assert mask_to_dict(found.findings[0].mask) == mask_to_dict(grown)
    assert "outline" in found.findings[0].ai_values


def test_a_saved_scene_is_a_review_too(logic, chest, reviewed, tmp_path):
    saved = entries(reviewed)
    logic.save_result(tmp_path)
    assert entries(read_review(tmp_path, chest)) == saved
    assert entries(read_review(tmp_path / "scene.mrb", chest)) == saved


def test_a_scene_with_both_dates_gives_the_review_of_each(logic, chest, chest_node, result, reviewed, tmp_path):
    from dataclasses import replace

    saved = entries(reviewed)
    other = replace(chest, identity=replace(chest.identity, series_uid="9.9"))
    theirs = replace(result, findings=replace(result.findings, series_uid="9.9"))
    logic.show_result(node_from_volume(other, "other date"), theirs)
    logic.save_result(tmp_path)
    assert entries(read_review(tmp_path, chest)) == saved
    assert {one.status for one in read_review(tmp_path, other).findings} == {"unreviewed"}
    nobody = replace(chest, identity=replace(chest.identity, series_uid=""))
    with pytest.raises(InputError, match="holds 2 reviews"):
        read_review(tmp_path, nobody)


def test_a_review_of_another_ct_is_refused(chest, reviewed, tmp_path):
    smaller = Volume(np.ascontiguousarray(chest.array[1:]), chest.ijk_to_ras, identity=chest.identity)
    file = tmp_path / "review.json"
    file.write_text(json.dumps(reviewed_to_dict(reviewed, volume_in_lps(chest))), encoding="utf-8")
    with pytest.raises(InputError, match="other voxels"):
        read_review(file, smaller)


@pytest.mark.parametrize("content", ["{}", "[]", "not json", '{"outlines": {}, "ct": {}}'])
def test_a_file_that_is_no_review_is_refused_in_one_sentence(chest, tmp_path, content):
    (tmp_path / "review.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"cannot be read .*: give the folder or scene\.mrb that was saved\."):
        read_review(tmp_path / "review.json", chest)


def test_a_folder_without_a_scene_is_no_review(chest, tmp_path):
    with pytest.raises(InputError, match=r"holds no scene\.mrb"):
        read_review(tmp_path, chest)


def test_reviews_are_of_scans_that_there_are_one_each(tmp_path):
    scans = (tmp_path / "a", tmp_path / "b")
    with pytest.raises(InputError, match="There is no scan 3"):
        FollowUpRequest(scans, tmp_path, reviewed=(ReviewedScan(3, tmp_path),))
    with pytest.raises(InputError, match="two reviews"):
        FollowUpRequest(scans, tmp_path, reviewed=(ReviewedScan(1, tmp_path), ReviewedScan(1, tmp_path)))
