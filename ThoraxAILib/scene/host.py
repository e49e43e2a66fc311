"""Give plain Python with slicer-core what a Logic finds in desktop Slicer, so that the same class runs in both.

slicer-core ships the MRML scene, the module logics and ``slicer.util``, but no application: ``install`` makes the
scene, the application logic and the module logics and hangs them where the desktop has them. Inside desktop Slicer
it does nothing. Call it before a Logic module is imported.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
import types
from pathlib import Path

from ThoraxAILib.errors import MissingDependencyError

TERMINOLOGIES = Path(__file__).parent / "terminologies"

# slicer.modules.<name>.logic() and the slicer-core class behind it
MODULE_LOGICS = {
    "volumes": "vtkSlicerVolumesLogic",
    "terminologies": "vtkSlicerTerminologiesModuleLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "models": "vtkSlicerModelsLogic",
    "tables": "vtkSlicerTablesLogic",
    "texts": "vtkSlicerTextsLogic",
    "transforms": "vtkSlicerTransformLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "plots": "vtkSlicerPlotsLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "units": "vtkSlicerUnitsLogic",
    "cropvolume": "vtkSlicerCropVolumeLogic",
    "volumerendering": "vtkSlicerVolumeRenderingLogic",
}
# nodes that hold what a person loaded or made
DATA_CLASSES = (
    "vtkMRMLVolumeNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLTableNode",
    "vtkMRMLSequenceNode",
    "vtkMRMLTransformNode",
)
# names under which C++ code looks module logics up, where they differ from the capitalized module name
_LOGIC_NAMES = {
    "subjecthierarchy": "SubjectHierarchy",
    "cropvolume": "CropVolume",
    "volumerendering": "VolumeRendering",
}


def is_available() -> bool:
    """Return true where a MRML scene can be had: inside desktop Slicer, or where slicer-core is installed."""
    if importlib.util.find_spec("slicer_core") is not None:
        return True
    try:
        import slicer
    except ImportError:
        return False
    return getattr(slicer, "app", None) is not None


def scene_is_free() -> bool:
    """Whether a scene file can be written that holds one result and nothing else: a scene without data of others."""
    if not is_available():
        return False
    scene = install().mrmlScene
    return not any(scene.GetNumberOfNodesByClass(name) for name in DATA_CLASSES)


def install(terminology_directory: Path | str | None = None) -> types.ModuleType:
    """Make ``slicer.mrmlScene``, ``slicer.app`` and ``slicer.modules`` usable and return the ``slicer`` package.

    Does nothing inside desktop Slicer or when called again. ``terminology_directory`` holds the DICOM lists of
    Slicer's Terminologies module; by default the chest terms of this package. Raises MissingDependencyError
    where there is no slicer-core.
    """
    slicer = _import_slicer()
    if getattr(slicer, "app", None) is not None:
        return slicer
    from ThoraxAILib.scene.headless import application, messages, stand_ins

    messages.sendToLogging()
    scene, application_logic = slicer.vtkMRMLScene(), slicer.vtkSlicerApplicationLogic()
    application_logic.SetMRMLScene(scene)
    vars(slicer).update(
        mrmlScene=scene, app=application.Application(application_logic), modules=types.SimpleNamespace()
    )
    _add_colors(slicer, application_logic)
    _add_bundle_reading(slicer, application_logic)
    _add_module_logics(slicer, application_logic, Path(terminology_directory or TERMINOLOGIES))
    stand_ins.addModules(slicer)
    _replace_dialogs(slicer)
    return slicer


def _import_slicer() -> types.ModuleType:
    try:
        import slicer
        import slicer.util
    except ImportError as error:
        raise MissingDependencyError(
            "Scenes need Slicer's libraries, which this Python does not have: "
            "install them with pip install slicer-core==5.11.0.6, or run inside 3D Slicer."
        ) from error
    # PythonSlicer can import `slicer`, but only the running application adds the module logics to it
    if getattr(slicer, "app", None) is None and not hasattr(slicer, "vtkSlicerSegmentationsModuleLogic"):
        raise MissingDependencyError(
            "Scenes cannot be made in PythonSlicer, which lacks Slicer's module logics: "
            "run Slicer --python-script, or another Python with slicer-core==5.11.0.6."
        )
    return slicer


def _add_colors(slicer: types.ModuleType, application_logic) -> None:
    colors = application_logic.GetColorLogic()
    colors.SetMRMLScene(slicer.mrmlScene)
    colors.AddDefaultColorNodes()
    application_logic.SetModuleLogic("Colors", colors)
    slicer.modules.colors = _module("colors", colors)


def _module(name: str, logic):
    """One entry of ``slicer.modules``."""
    return types.SimpleNamespace(name=name, logic=lambda: logic)


def _add_bundle_reading(slicer: types.ModuleType, application_logic) -> None:
    """Make the cache without which vtkMRMLScene.ReadFromMRB refuses to work."""
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(slicer.mrmlScene)
    remote.SetMRMLApplicationLogic(application_logic)
    remote.GetCacheManager().SetRemoteCacheDirectory(slicer.app.temporaryPath)
    data_io = slicer.vtkDataIOManagerLogic()
    data_io.SetMRMLScene(slicer.mrmlScene)
    data_io.SetMRMLApplicationLogic(application_logic)
    data_io.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    slicer.app.keepAlive(remote, data_io)


def _add_module_logics(slicer: types.ModuleType, application_logic, terminologies: Path) -> None:
    for name, class_name in MODULE_LOGICS.items():
        logic = getattr(slicer, class_name)()
        if name == "terminologies":
            logic.SetModuleShareDirectory(str(terminologies))  # before the scene: it loads its lists then
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(slicer.mrmlScene)
        application_logic.SetModuleLogic(_LOGIC_NAMES.get(name, name.capitalize()), logic)
        setattr(slicer.modules, name, _module(name, logic))


def _replace_dialogs(slicer: types.ModuleType) -> None:
    """Send to the log what slicer.util shows in windows."""
    log = logging.getLogger("slicer")
    slicer.util.errorDisplay = lambda text, *_args, **_options: log.error(text)
    slicer.util.warningDisplay = lambda text, *_args, **_options: log.warning(text)
    for name in ("infoDisplay", "delayDisplay", "showStatusMessage"):
        setattr(slicer.util, name, lambda text, *_args, **_options: log.info(text))
    slicer.util.settingsValue = lambda _key, default, *_args, **_options: default
    slicer.util.getModuleLogic = lambda module: getattr(slicer.modules, str(module).lower()).logic()
    slicer.util.tempDirectory = lambda key="scene-", temp_dir=None, **_options: tempfile.mkdtemp(
        prefix=key, dir=temp_dir or slicer.app.temporaryPath
    )
