"""CardiacBiomechLogic: a study as a job, its result into the scene, and an edited frame back to a label file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from CardiacBiomechLib.cases.compare_case import CompareRequest, compare_case, read_study_result
from CardiacBiomechLib.cases.study_files import SCENE
from CardiacBiomechLib.cases.study_requests import ANALYZE, AnalyzeStudyRequest
from CardiacBiomechLib.scene.colors import color_by_strain
from CardiacBiomechLib.scene.insertion_points import Point, shown_insertions
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_command, child_environment
from ThoraxAILib.scene.plots import show_chart

BROWSER, CHART = "vtkMRMLSequenceBrowserNode", "vtkMRMLPlotChartNode"
PACKAGES = ("ThoraxAILib", "CardiacBiomechLib")
VALUES = {"RV": 1, "MYO": 2, "LV": 3}  # as in ACDC
NAMES = {"Right ventricle": 1, "Wall of left ventricle": 2, "Left ventricle": 3}


class CardiacBiomechLogic(ScriptedLoadableModuleLogic):
    """What the panel asks for; usable from scripts as well."""

    def study_job(self, request: AnalyzeStudyRequest) -> ChildJob:
        """Return a job, not yet started, that analyzes a study."""
        return ChildJob(child_command(ANALYZE, request), child_environment(PACKAGES))

    def read_result(self, folder: Path) -> dict:
        """Return the content of cardiac.json; raises InputError for a folder without one."""
        return read_study_result(folder)

    def compare(self, before: Path, after: Path, output: Path) -> dict:
        """Compare the results of two dates into a folder and return the content of comparison.json.

        Raises InputError and OutputError.
        """
        return compare_case(CompareRequest(before, after, output)).to_dict()

    def show_in_scene(self, folder: Path) -> slicer.vtkMRMLSequenceBrowserNode:
        """Load the scene of a result and return its browser; raises InputError when there is none."""
        path = folder / SCENE
        if not path.is_file():
            raise InputError("This result was made without a scene: analyze the exam again with Slicer's libraries.")
        before = {node.GetID() for kind in (BROWSER, CHART) for node in slicer.util.getNodesByClass(kind)}
        slicer.util.loadScene(str(path))
        browsers, charts = (
            [node for node in slicer.util.getNodesByClass(kind) if node.GetID() not in before]
            for kind in (BROWSER, CHART)
        )
        if not browsers:
            raise InputError("The scene of this result holds no beating heart: analyze the exam again.")
        if charts:
            show_chart(charts[0], with_3d_view=True)
        self._color_wall(browsers[0])
        return browsers[0]

    def _color_wall(self, browser: slicer.vtkMRMLSequenceBrowserNode) -> None:
        """Color the wall by strain; frames of a sequence that was read have lost their reference to the color table."""
        wall = self._proxy(browser, "vtkMRMLModelNode")
        if wall is not None and wall.GetDisplayNode() is not None:
            color_by_strain(wall.GetDisplayNode())

    def shown_frame(self, browser: slicer.vtkMRMLSequenceBrowserNode) -> int:
        """Return which frame is shown, counted from 1."""
        return browser.GetSelectedItemNumber() + 1

    def write_shown_labels(self, browser: slicer.vtkMRMLSequenceBrowserNode, path: Path) -> Path:
        """Write the segmentation of the frame that is shown, with its edits, as labels; raises InputError."""
        from ThoraxAILib.io.transform_files import write_labels
        from ThoraxAILib.scene.volumes import volume_from_node

        image = self._proxy(browser, "vtkMRMLScalarVolumeNode")
        segmentation = self._proxy(browser, "vtkMRMLSegmentationNode")
        if image is None or segmentation is None:
            raise InputError("The scene does not show a segmented frame: show the result in Slicer first.")
        volume = volume_from_node(image)
        labels = np.zeros(volume.array.shape, np.uint8)
        for identifier in segmentation.GetSegmentation().GetSegmentIDs():
            name = segmentation.GetSegmentation().GetSegment(identifier).GetName()
            value = VALUES.get(identifier) or NAMES.get(name)
            if value is not None:
                inside = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, identifier, image)
                labels[np.asarray(inside) > 0] = value
        write_labels(volume.with_array(labels), path)
        return path

    def shown_insertions(self) -> tuple[Point, Point]:
        """Return where the insertion points lie now (anterior, inferior; RAS mm); raises InputError without them."""
        found = shown_insertions()
        if found is None:
            raise InputError("The scene holds no insertion points: show the result in Slicer first.")
        return found

    def _proxy(self, browser: slicer.vtkMRMLSequenceBrowserNode, kind: str):
        """Return the node of a kind that stands in the scene for the frame that is shown."""
        sequences = vtk.vtkCollection()
        browser.GetSynchronizedSequenceNodes(sequences, True)
        for number in range(sequences.GetNumberOfItems()):
            node = browser.GetProxyNode(sequences.GetItemAsObject(number))
            if node is not None and node.IsA(kind):
                return node
        return None
