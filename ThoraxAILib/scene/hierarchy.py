"""Where results stand in the subject hierarchy: a folder beside the input."""

from __future__ import annotations

from collections.abc import Iterable

import slicer


def subject_hierarchy():
    """Return the scene's one subject hierarchy node."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


def ensure_item(node) -> int:
    """Return the hierarchy item of a node; made here where no plugin of the desktop makes it."""
    hierarchy = subject_hierarchy()
    item = hierarchy.GetItemByDataNode(node)
    return item or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def folder_beside(node, name: str, contents: Iterable) -> int:
    """Return a new folder under the same parent as ``node`` that holds the nodes ``contents``; returns its item."""
    hierarchy = subject_hierarchy()
    parent = hierarchy.GetItemParent(ensure_item(node))
    folder = hierarchy.CreateFolderItem(parent, hierarchy.GenerateUniqueItemName(name))
    for content in contents:
        hierarchy.SetItemParent(ensure_item(content), folder)
    return folder


def place_beside(sibling, node) -> None:
    """Put ``node`` into the folder in which ``sibling`` lies."""
    hierarchy = subject_hierarchy()
    hierarchy.SetItemParent(ensure_item(node), hierarchy.GetItemParent(ensure_item(sibling)))


def remove_node(node) -> None:
    """Take a node out of the scene with its item, its display and storage nodes, and the folder that is empty then.

    Nothing of it is left for the next file saved from this scene.
    """
    hierarchy = subject_hierarchy()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        folder = hierarchy.GetItemParent(item)
        hierarchy.RemoveItem(item, False, False)
        level = slicer.vtkMRMLSubjectHierarchyConstants.GetSubjectHierarchyLevelFolder()
        if hierarchy.GetItemLevel(folder) == level and hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder, False, False)
    for belonging in _belongings(node):
        slicer.mrmlScene.RemoveNode(belonging)
    slicer.mrmlScene.RemoveNode(node)


def _belongings(node) -> list:
    """Display and storage nodes of a node; text nodes and the like have no display."""
    belongings = []
    if node.IsA("vtkMRMLDisplayableNode"):
        belongings += [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        belongings += [node.GetNthStorageNode(index) for index in range(node.GetNumberOfStorageNodes())]
    return [belonging for belonging in belongings if belonging is not None]
