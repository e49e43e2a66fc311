"""The nodes of one follow-up: pairs as text and table, shared labels on both scans, growth chart, difference map.

The text node is the root: it holds pairs.json (schema ``thoraxai.pairs/1``) and refers to the other nodes, so that a
reopened scene finds them again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import slicer

from LungNoduleAILib.model.growth import NO_GROWTH, Growth, percent_words
from LungNoduleAILib.scene.growth_chart import growth_chart_nodes
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.hierarchy import folder_beside, place_beside, remove_node
from ThoraxAILib.scene.markups import LabeledPoint, points_node
from ThoraxAILib.scene.names import unused_name
from ThoraxAILib.scene.tables import Column, table_node
from ThoraxAILib.scene.volumes import node_from_volume

PREFIX = "LungNoduleAI.follow_up."
ROLE = PREFIX + "result"
SINGLE_ROLES = (
    "prior",
    "current",
    "table",
    "priorPoints",
    "currentPoints",
    "chart",
    "transform",
    "difference",
    "warped_prior",
    "pictures",
)
PLAIN, DIMMED = (1.0, 0.85, 0.1), (0.6, 0.6, 0.6)
DIFFERENCE_WINDOW_HU = (1200.0, 0.0)


@dataclass(frozen=True)
class FollowUpData:
    """What the algorithms hand to the scene: pairs.json, and files or volumes of the last interval where they exist.

    ``pictures`` is a text that holds the pictures of what changed.
    """

    document: dict
    transform_file: Path | None = None
    difference: Volume | None = None
    warped_prior: Volume | None = None
    pictures: str = ""


def create_follow_up_nodes(prior_node, current_node, data: FollowUpData):
    """Build all nodes beside the current scan and return the root text node."""
    document = data.document
    text = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", unused_name("Lung follow-up"))
    text.SetText(json.dumps(document, indent=1))
    text.SetAttribute(ROLE, "true")
    nodes = {
        "prior": prior_node,
        "current": current_node,
        "table": pairs_table_node(document),
        "priorPoints": date_points_node(document, "prior"),
        "currentPoints": date_points_node(document, "current"),
    }
    chart, chart_parts = growth_chart_nodes(document)
    nodes["chart"] = chart
    if data.transform_file is not None:
        nodes["transform"] = _transform_node(data.transform_file)
    if data.difference is not None:
        nodes["difference"] = _difference_node(data.difference)
    if data.warped_prior is not None:
        nodes["warped_prior"] = node_from_volume(data.warped_prior, unused_name("Prior in the current scan"))
    if data.pictures:
        nodes["pictures"] = slicer.mrmlScene.AddNewNodeByClass(
            "vtkMRMLTextNode", unused_name("Pictures of what changed")
        )
        nodes["pictures"].SetText(data.pictures)
    for role, node in nodes.items():
        text.SetNodeReferenceID(PREFIX + role, node.GetID())
    for part in chart_parts:
        text.AddNodeReferenceID(PREFIX + "chartPart", part.GetID())
    folder_beside(current_node, "Lung follow-up", owned_nodes(text))
    return text


def refresh_follow_up_nodes(text, document: dict) -> None:
    """Make table, points and chart again from a changed document, in place of the old ones."""
    count = text.GetNumberOfNodeReferences(PREFIX + "chartPart")
    parts = [text.GetNthNodeReference(PREFIX + "chartPart", index) for index in range(count)]
    text.RemoveNodeReferenceIDs(PREFIX + "chartPart")
    old = [node_of(text, role) for role in ("table", "priorPoints", "currentPoints", "chart")]
    chart, chart_parts = growth_chart_nodes(document)
    made = {
        "table": pairs_table_node(document),
        "priorPoints": date_points_node(document, "prior"),
        "currentPoints": date_points_node(document, "current"),
        "chart": chart,
    }
    for role, node in made.items():
        text.SetNodeReferenceID(PREFIX + role, node.GetID())
    for part in chart_parts:
        text.AddNodeReferenceID(PREFIX + "chartPart", part.GetID())
    for node in (*made.values(), *chart_parts):
        place_beside(text, node)
    for node in (*old, *parts):
        if node is not None:
            remove_node(node)


def follow_up_texts() -> list:
    """Root nodes of all follow-ups in the scene, oldest first."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLTextNode") if node.GetAttribute(ROLE)]


def follow_up_document(text) -> dict:
    """Return the content of pairs.json that a root node holds."""
    return json.loads(text.GetText())


def kept_pictures(text) -> str:
    """Return the pictures of what changed as the text that was handed over; empty when there are none."""
    node = node_of(text, "pictures")
    return "" if node is None else node.GetText() or ""


def node_of(text, role: str):
    """Return a node of the follow-up by its role (see SINGLE_ROLES); None when there is none."""
    return text.GetNodeReference(PREFIX + role)


def owned_nodes(text) -> list:
    """Every node the follow-up made, the root last: all but the two scans."""
    roles = [role for role in SINGLE_ROLES if role not in ("prior", "current")]
    found = [node_of(text, role) for role in roles]
    count = text.GetNumberOfNodeReferences(PREFIX + "chartPart")
    found += [text.GetNthNodeReference(PREFIX + "chartPart", index) for index in range(count)]
    return [*(node for node in found if node is not None), text]


def remove_follow_up_nodes(text) -> None:
    """Take a follow-up out of the scene; the scans stay, where they were."""
    align_prior(text, False)
    for node in owned_nodes(text):
        remove_node(node)


def align_prior(text, aligned: bool) -> None:
    """Lay the prior scan over the current one (as a transform, nothing is resampled), or put it back."""
    prior, transform, points = (node_of(text, role) for role in ("prior", "transform", "priorPoints"))
    target = transform.GetID() if aligned and transform is not None else None
    for node in (prior, points):
        if node is not None and (target is not None or node.GetTransformNodeID()):
            node.SetAndObserveTransformNodeID(target)


def show_points(text, shown: bool) -> None:
    """Show or hide the marks of both dates in the views."""
    for role in ("priorPoints", "currentPoints"):
        points = node_of(text, role)
        if points is not None and points.GetDisplayNode() is not None:
            points.GetDisplayNode().SetVisibility(shown)


def pairs_table_node(document: dict):
    """Return a new table node with one row per pair, new and resolved nodules included."""
    pairs = document["pairs"]

    def words(name: str, key: str, description: str) -> Column:
        return Column(name, [pair[key] for pair in pairs], "", description, numeric=False)

    def numbers(name: str, key: str, unit: str, description: str) -> Column:
        values = ["" if pair[key] is None else f"{pair[key]:g}" for pair in pairs]
        return Column(name, values, unit, description, numeric=False)

    return table_node(
        "Lung follow-up table",
        [
            Column(
                "Pair", [pair_label(number) for number in range(1, len(pairs) + 1)], "", "Label on both scans", False
            ),
            words("Prior", "prior_id", "Finding of the prior scan"),
            words("Current", "current_id", "Finding of the current scan"),
            words("Status", "status", "matched, new, resolved or uncertain"),
            numbers("Probability", "match_probability", "", "That both are one nodule, 0 to 1"),
            numbers("Volume change", "volume_change_percent", "%", "From prior to current"),
            Column(
                "Doubling time",
                [_doubling(pair) for pair in pairs],
                "",
                "t ln 2 / ln(V2 / V1), of growing nodules",
                False,
            ),
            words("Growth", "growth", "growing, stable, indeterminate or shrinking"),
            Column(
                "Methods agree",
                [_agreement(pair["method_agreement"]) for pair in pairs],
                "",
                "Whether network and registration say the same",
                False,
            ),
            words("Decided by", "decided_by", "software or reader"),
        ],
    )


def pair_label(number: int) -> str:
    """Return the label that both ends of a pair share."""
    return f"P{number}"


def _agreement(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def date_points_node(document: dict, when: str):
    """Return a new point list of one date (``prior`` or ``current``): shared labels such as ``P3 matched +80 %``."""
    points = []
    for number, pair in enumerate(document["pairs"], start=1):
        center = pair[f"{when}_center_ras_mm"]
        if center is not None:
            points.append(LabeledPoint(tuple(center), _label(number, pair), _description(pair)))
    node = points_node(f"Lung follow-up {when}", points, PLAIN, DIMMED)
    worst = {pair["growth"] for pair in document["pairs"]}
    if "growing" in worst:
        node.SetAttribute(PREFIX + "growing", "true")
    return node


def _label(number: int, pair: dict) -> str:
    change = pair["volume_change_percent"]
    words = [pair_label(number), pair["status"]]
    return " ".join([*words, percent_words(change)] if change is not None else words)


def _description(pair: dict) -> str:
    ids = " and ".join(name for name in (pair["prior_id"], pair["current_id"]) if name)
    words = [ids, pair["status"], f"probability {pair['match_probability']:.2f}"]
    if pair["growth"]:
        words.append(pair["growth"])
    if doubling := _doubling(pair):
        words.append(doubling if doubling == NO_GROWTH else f"doubling time {doubling}")
    return ", ".join(words)


def _doubling(pair: dict) -> str:
    details = pair["growth_details"]
    return Growth.from_dict(details).doubling_words if details else ""


def _transform_node(path: Path):
    """Return the registration as a grid transform, read by Slicer's own reader; raises InputError when it cannot."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", unused_name("Prior to current"))
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(path))
    if storage.ReadData(node) != 1:
        remove_node(node)
        raise InputError("The registration of this follow-up cannot be read: run the follow-up again.")
    return node


def _difference_node(difference: Volume):
    node = node_from_volume(difference, unused_name("What changed"))
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeFileColdToHotRainbow.txt")
    display.AutoWindowLevelOff()
    display.SetWindowLevel(*DIFFERENCE_WINDOW_HU)
    return node
