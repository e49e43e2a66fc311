"""The label sequence of a tracked cine opens in Slicer as a sequence of label maps on the cine's grid."""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.cine.label_sequence import write_label_sequence
from ThoraxAILib.image.volume import Volume


def test_a_label_sequence_opens_as_a_sequence_of_label_maps(slicer, tmp_path):
    from vtk import vtkMatrix4x4

    q, _ = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = q @ np.diag([1.5, 1.4, 8.0]), (20.0, -35.0, 60.0)
    random = np.random.default_rng(0)
    labels = [Volume(random.integers(0, 4, (3, 5, 6)).astype(np.uint8), matrix, "MR") for _ in range(4)]
    write_label_sequence(labels, tmp_path / "labels.seq.nrrd")
    sequence = slicer.util.loadNodeFromFile(str(tmp_path / "labels.seq.nrrd"), "SequenceFile")
    assert sequence.GetNumberOfDataNodes() == 4
    assert [sequence.GetNthIndexValue(number) for number in range(4)] == ["1", "2", "3", "4"]
    for number, expected in enumerate(labels):
        node = sequence.GetNthDataNode(number)
        assert node.GetClassName() == "vtkMRMLLabelMapVolumeNode"
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), expected.array)
        found = vtkMatrix4x4()
        node.GetIJKToRASMatrix(found)
        stored = np.array([[found.GetElement(row, column) for column in range(4)] for row in range(4)])
        np.testing.assert_allclose(stored, matrix, atol=1e-5)
