"""``thoraxai lung evaluate nodules``: scores against readers, with intervals over people."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from LungNoduleAILib.cases.nodule_evaluation.outlines import WALL, attachment
from LungNoduleAILib.cases.nodule_evaluation.scores import People, auc, kappa
from LungNoduleAILib.datasets.nodule_stacks import open_stacks
from LungNoduleAILib.evaluation.requests import NODULE_FILES
from Testing.fixtures.nodule_stacks import write_stacks
from ThoraxAILib.cli.main import main

PEOPLE = ("LIDC-IDRI-0006", "LIDC-IDRI-0011", "LIDC-IDRI-0007")


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("nodules")
    write_stacks(folder / "in", PEOPLE, (9.0, 20.0))
    command = ["lung", "evaluate", "nodules", str(folder / "in"), "--output", str(folder / "out")]
    assert main([*command, "--device", "cpu", "--resamples", "20"]) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(NODULE_FILES)
    return json.loads((folder / "out" / "nodules.json").read_text(encoding="utf-8"))


def test_only_people_of_the_part_are_graded(scores):
    assert (scores["part"], scores["people"], scores["nodules"]) == ("test", 2, 4)


def test_balls_in_the_lung_are_outlined_like_their_readers(scores):
    everyone = scores["outlines"]["all"]
    assert everyone["click at the center"]["dice"]["value"] > 0.85
    assert everyone["as lung analyze reports it"]["dice"]["value"] > 0.85
    assert everyone["one reader against the others"]["nodules"] == 4
    assert everyone["ball of the readers' volume"]["volume_error_absolute_median"]["value"] < 0.01


def test_solid_balls_are_told_solid(scores):
    assert scores["types"]["rows_readers_columns_ours"]["table"][2] == [0, 0, 4]


def test_a_folder_without_the_part_is_refused(tmp_path, capsys):
    write_stacks(tmp_path / "in", ["LIDC-IDRI-0006"])
    command = ["lung", "evaluate", "nodules", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    assert main([*command, "--part", "train"]) != 0
    assert "no nodule of the part 'train'" in capsys.readouterr().err


def test_a_nodule_at_dense_tissue_lies_on_the_wall(tmp_path):
    stack = open_stacks(write_stacks(tmp_path, ["LIDC-IDRI-0006"], (8.0,)))[0]
    assert attachment(stack) == "free"
    stack.hu[:, :, 38:] = 40
    assert attachment(stack) == WALL


def test_kappa_and_auc_are_those_of_the_textbook():
    # Cohen 1960, two classes: agreement 0.7, chance 0.5
    assert kappa(np.repeat([0, 0, 1, 1], (35, 15, 15, 35)), np.repeat([0, 1, 0, 1], (35, 15, 15, 35))) == pytest.approx(
        0.4
    )
    score = np.array([1.0, 2.0, 2.0, 3.0])
    assert auc(score, np.array([0, 0, 1, 1], bool), np.array([1, 1, 0, 0], bool)) == 0.875


def test_intervals_resample_people_not_nodules(scores):
    class Row:
        def __init__(self, person: str) -> None:
            self.person = person

    values = np.array([0.0] * 50 + [1.0] * 50)
    people = People([Row("a")] * 50 + [Row("b")] * 50, 1, 200)
    estimate = people.estimate(lambda numbers: float(values[numbers].mean()))
    assert (estimate["low"], estimate["value"], estimate["high"]) == (0.0, 0.5, 1.0)
