"""Stacks of nodules: what readers agree on, who may train, and padding that adds no nodule."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.datasets.nodule_stacks import (
    LUNG_HU,
    PAD_SLICES,
    fingerprint,
    open_stacks,
    padded,
    part_of,
    stacks_of,
)
from Testing.fixtures.nodule_stacks import write_stacks


@pytest.fixture
def stacks(tmp_path):
    return open_stacks(write_stacks(tmp_path, ["LIDC-IDRI-0007", "LIDC-IDRI-0011"], (8.0, 14.0)))


def test_the_consensus_is_what_two_readers_drew(stacks):
    stack = stacks[0]
    assert stack.readers.shape[0] == 4
    assert (stack.consensus == (stack.readers.sum(axis=0) >= 2)).all()
    assert stack.diameter_mm == pytest.approx(8.0, abs=0.4)


def test_people_that_judge_train_nothing_and_nobody_is_in_two_parts():
    numbers = range(1, 1013)
    parts = {n: part_of(f"LIDC-IDRI-{n:04d}") for n in numbers}
    assert all(parts[n] is None for n in numbers if n % 5 == 0 or n in (1, 2, 3, 314))
    assert {parts[n] for n in numbers if n % 5 == 1 and n != 1} == {"test"}
    assert {parts[n] for n in numbers if n % 5 > 1 and n not in (2, 3, 314)} == {"train", "validation"}


def test_another_persons_name_always_falls_into_the_same_part():
    assert part_of("person A") == part_of("person A") in ("train", "validation", "test")


def test_the_padding_repeats_the_edge_with_lung_in_the_place_of_the_nodule(stacks):
    stack = stacks[0]
    volume = padded(stack, np.random.default_rng(1))
    place, beyond = stack.union[0], volume.array[0]
    assert (volume.array[PAD_SLICES:-PAD_SLICES] == stack.hu).all()
    assert beyond[place].mean() == pytest.approx(LUNG_HU, abs=15)
    assert (padded(stack, np.random.default_rng(1), "edge").array[0] == stack.hu[0]).all()


def test_the_fingerprint_names_the_nodules_whatever_their_order(stacks):
    assert fingerprint(stacks) == fingerprint(stacks[::-1]) != fingerprint(stacks[1:])
    assert len(stacks_of(stacks, "test")) == 2


def test_a_folder_without_a_table_or_with_a_damaged_file_is_refused(tmp_path, refused):
    with refused("table.csv"):
        open_stacks(tmp_path)
    folder = write_stacks(tmp_path / "one", ["LIDC-IDRI-0007"])
    (folder / "LIDC-IDRI-0007_R_1.npz").write_bytes(b"nothing")
    with refused("leave its row out"):
        open_stacks(folder)
