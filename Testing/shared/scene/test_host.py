"""The headless host gives plain Python what Slicer has, says so where it cannot, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ThoraxAILib.scene import host

SAVE_AND_OPEN_A_SCENE = """
import sys
import numpy as np
from ThoraxAILib.scene import host
slicer = host.install()
slicer.util.addVolumeFromArray(np.zeros((3, 4, 5), np.int16), name="CT")
slicer.util.saveScene(sys.argv[1], {})
slicer.mrmlScene.Clear(0)
slicer.util.loadScene(sys.argv[1], {})
assert slicer.util.getNode("CT")
with open(sys.argv[2], "w") as file:
    file.write(slicer.app.temporaryPath)
"""

WITHOUT_SLICER_CORE = """
import sys
sys.modules["slicer_core"] = None
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "slicer_core" or (name == "slicer" and BLOCKED):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Finder())
from ThoraxAILib.errors import MissingDependencyError
from ThoraxAILib.scene import host
print(host.is_available())
try:
    host.install()
except MissingDependencyError as error:
    print(error)
"""


def run_python(code: str, *arguments: Path) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


def test_a_second_install_changes_nothing(slicer):
    scene, application = slicer.mrmlScene, slicer.app
    assert host.install() is slicer
    assert slicer.mrmlScene is scene
    assert slicer.app is application


def test_saving_and_opening_a_scene_prints_nothing_and_leaves_no_temporary_folder(tmp_path):
    process = run_python(SAVE_AND_OPEN_A_SCENE, tmp_path / "scene.mrb", tmp_path / "folder.txt")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    folder = Path((tmp_path / "folder.txt").read_text())
    assert folder.name.startswith("thoraxai-scene-")
    assert not folder.exists()


def test_without_slicer_core_one_sentence_says_what_to_install():
    process = run_python("BLOCKED = True\n" + WITHOUT_SLICER_CORE)
    available, message = process.stdout.splitlines()
    assert available == "False"
    assert "pip install slicer-core==5.11.0.6" in message


@pytest.fixture
def package_folder(tmp_path, monkeypatch):
    """A folder in front of the import path of child processes, with an empty package ``slicer``."""
    (tmp_path / "slicer").mkdir()
    (tmp_path / "slicer" / "util.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "slicer"


def test_in_python_slicer_one_sentence_says_where_to_run_instead(package_folder):
    (package_folder / "__init__.py").write_text("")
    process = run_python("BLOCKED = False\n" + WITHOUT_SLICER_CORE)
    available, message = process.stdout.splitlines()
    assert available == "False"
    assert message.startswith("Scenes cannot be made in PythonSlicer")


def test_inside_the_desktop_application_nothing_is_touched(package_folder):
    (package_folder / "__init__.py").write_text("app = mrmlScene = modules = 'desktop'\n")
    process = run_python(
        "from ThoraxAILib.scene import host\nslicer = host.install()\n"
        "print(host.is_available(), slicer.app, slicer.mrmlScene, slicer.modules)"
    )
    assert process.stdout.split() == ["True", "desktop", "desktop", "desktop"]


@pytest.mark.parametrize(
    ("kind", "file_name", "load"),
    [
        ("ScalarVolume", "image.nrrd", "loadVolume"),
        ("Segmentation", "labels.seg.nrrd", "loadSegmentation"),
        ("MarkupsFiducial", "points.mrk.json", "loadMarkups"),
        ("Table", "rows.tsv", "loadTable"),
        ("Text", "words.txt", "loadText"),
        ("LinearTransform", "move.tfm", "loadTransform"),
        ("Model", "surface.vtp", "loadModel"),
    ],
)
def test_slicer_util_saves_and_loads_every_kind_of_node_we_write(slicer, tmp_path, kind, file_name, load):
    node = slicer.mrmlScene.AddNewNodeByClass(f"vtkMRML{kind}Node")
    fill(slicer, node)
    assert slicer.util.saveNode(node, str(tmp_path / file_name), {})
    loaded = getattr(slicer.util, load)(str(tmp_path / file_name))
    assert loaded is not node
    assert content(slicer, loaded) == content(slicer, node)


def fill(slicer, node) -> None:
    """Something to write, by the class of the node."""
    import vtk

    if node.IsA("vtkMRMLScalarVolumeNode"):
        slicer.util.updateVolumeFromArray(node, np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    elif node.IsA("vtkMRMLSegmentationNode"):
        node.GetSegmentation().AddEmptySegment("A", "A")
    elif node.IsA("vtkMRMLMarkupsNode"):
        node.AddControlPointWorld(vtk.vtkVector3d(1, 2, 3), "A")
    elif node.IsA("vtkMRMLTableNode"):
        slicer.util.updateTableFromArray(node, np.arange(3.0), "A")
    elif node.IsA("vtkMRMLTextNode"):
        node.SetText("A")
        node.SetForceCreateStorageNode(True)  # short text would stay in the scene file
    elif node.IsA("vtkMRMLModelNode"):
        sphere = vtk.vtkSphereSource()
        sphere.Update()
        node.SetAndObservePolyData(sphere.GetOutput())
    else:
        node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.diag([2.0, 3.0, 4.0, 1.0])))


def content(slicer, node) -> object:
    """What ``fill`` put in, in a form that can be compared."""
    import vtk

    if node.IsA("vtkMRMLScalarVolumeNode"):
        return slicer.util.arrayFromVolume(node).tolist()
    if node.IsA("vtkMRMLSegmentationNode"):
        return node.GetSegmentation().GetSegmentIDs()
    if node.IsA("vtkMRMLMarkupsNode"):
        return slicer.util.arrayFromMarkupsControlPoints(node).tolist()
    if node.IsA("vtkMRMLTableNode"):
        return [float(node.GetCellText(row, 0)) for row in range(node.GetNumberOfRows())]
    if node.IsA("vtkMRMLTextNode"):
        return node.GetText()
    if node.IsA("vtkMRMLModelNode"):
        return node.GetPolyData().GetNumberOfPoints()
    matrix = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToParent(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix).tolist()


def test_a_file_that_cannot_be_read_raises_and_leaves_no_node(slicer, tmp_path):
    (tmp_path / "broken.seg.nrrd").write_text("not an image")
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(RuntimeError):
        slicer.util.loadSegmentation(str(tmp_path / "broken.seg.nrrd"))
    assert slicer.mrmlScene.GetNumberOfNodes() == before
