"""Lung-RADS v2022, Fleischner 2017, BTS 2015, Brock and Mayo as pure rules on stated inputs.

They advise, the reader decides. ``apply_guideline`` takes and gives plain dictionaries (vocabulary.py names the keys);
the typed functions take ``Inputs`` and give ``Answer``. Tables with their sources lie in ``tables``.
"""

from __future__ import annotations

from LungNoduleAILib.guidelines.bts import bts_2015
from LungNoduleAILib.guidelines.fleischner import fleischner_2017
from LungNoduleAILib.guidelines.lung_rads.category import lung_rads_2022
from LungNoduleAILib.guidelines.risk_models import brock, mayo
from LungNoduleAILib.guidelines.rules import RULES, apply_guideline, apply_rule
from LungNoduleAILib.guidelines.terms.answer import Answer
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput

__all__ = [
    "RULES",
    "Answer",
    "Inputs",
    "MissingInput",
    "apply_guideline",
    "apply_rule",
    "brock",
    "bts_2015",
    "fleischner_2017",
    "lung_rads_2022",
    "mayo",
]
