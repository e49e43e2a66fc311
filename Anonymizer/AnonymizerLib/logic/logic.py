"""AnonymizerLogic: de-identification in terms a script or the panel needs; the same in desktop Slicer and plain Python.

In plain Python call ``ThoraxAILib.scene.host.install()`` before importing this file. No Qt, no dialogs: errors are
raised as ThoraxAIError with one sentence.
"""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AnonymizerLib.profile.options import Profile
from AnonymizerLib.run.preview import TagRow, preview
from AnonymizerLib.scene.bundle import scrub_bundle
from AnonymizerLib.scene.scrub import SceneReport, scrub_scene


class AnonymizerLogic(ScriptedLoadableModuleLogic):
    """Scrub scenes, show what a profile would do, find the DICOM files behind a loaded volume."""

    def scrub_scene(self) -> SceneReport:
        """Take identity out of the open scene, in place."""
        return scrub_scene()

    def scrub_bundle(self, source: Path | str, target: Path | str) -> SceneReport:
        """Scrub a saved scene into a new one; replaces the open scene."""
        return scrub_bundle(Path(source), Path(target))

    def preview_tags(self, path: Path | str, profile: Profile) -> list[TagRow]:
        """Before and after of every attribute of one DICOM file, with a throw-away key; nothing is written."""
        return preview(Path(path), profile)

    def files_of_volume(self, volume_node: slicer.vtkMRMLVolumeNode) -> list[str]:
        """List the DICOM files a volume was loaded from, by database or storage node; empty when unknown."""
        uids = (volume_node.GetAttribute("DICOM.instanceUIDs") or "").split()
        database = getattr(slicer, "dicomDatabase", None)
        if uids and database is not None:
            return [path for path in (database.fileForInstance(uid) for uid in uids) if path]
        storage = volume_node.GetStorageNode()
        if storage is None:
            return []
        names = [storage.GetNthFileName(index) for index in range(storage.GetNumberOfFileNames())]
        return [name for name in names or [storage.GetFileName()] if name]
