"""Slicer's Python modules that slicer-core leaves out and a Logic imports: ScriptedLoadableModule and i18n."""

from __future__ import annotations

import sys
import types


def addModules(slicer: types.ModuleType) -> None:
    """Register ``slicer.i18n`` and ``slicer.ScriptedLoadableModule`` where they are missing."""
    translations = types.ModuleType("slicer.i18n")
    vars(translations).update(tr=lambda text: text, translate=lambda _context, text: text)

    class ScriptedLoadableModuleLogic:
        """Base of every Logic: the parameter node, one per module and scene."""

        def __init__(self, parent: object | None = None) -> None:
            self.moduleName = type(self).__name__.removesuffix("Logic")
            self.isSingletonParameterNode = True

        def getParameterNode(self):
            """Return the module's parameter node, made on first use."""
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node is None:
                node = slicer.vtkMRMLScriptedModuleNode()
                node.SetSingletonTag(self.moduleName)
                node.SetAttribute("ModuleName", self.moduleName)
                node.SetName(self.moduleName)
                node = slicer.mrmlScene.AddNode(node)
            return node

    scripted = types.ModuleType("slicer.ScriptedLoadableModule")
    vars(scripted).update(
        ScriptedLoadableModuleLogic=ScriptedLoadableModuleLogic, __all__=["ScriptedLoadableModuleLogic"]
    )
    for module in (translations, scripted):
        sys.modules.setdefault(module.__name__, module)
        setattr(slicer, module.__name__.split(".")[1], sys.modules[module.__name__])
