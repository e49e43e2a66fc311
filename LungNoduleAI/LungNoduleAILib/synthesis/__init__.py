"""Phantoms: synthetic chests and single nodules with exactly known truth."""

from LungNoduleAILib.synthesis.body.make import make_body
from LungNoduleAILib.synthesis.body.other_bodies import OTHER_KINDS, make_other_body
from LungNoduleAILib.synthesis.case import draw_case
from LungNoduleAILib.synthesis.cohort import load_or_make_body, make_cohort
from LungNoduleAILib.synthesis.model.body import Body, Negative
from LungNoduleAILib.synthesis.model.structures import PATTERNS, STRUCTURES
from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.nodules.placement import DEFAULT_RECIPES, NoduleRecipe, mass_recipe
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.planting import NodulePlanter
from LungNoduleAILib.synthesis.nodules.shapes import NoduleShape
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import Scanner, draw_scanner
from LungNoduleAILib.synthesis.test_phantom.ellipsoid import EllipsoidPhantom, make_ellipsoid
from LungNoduleAILib.synthesis.test_phantom.small_chest import make_small_chest
from LungNoduleAILib.synthesis.truth import write_phantom

__all__ = [
    "DEFAULT_RECIPES",
    "OTHER_KINDS",
    "PATTERNS",
    "STRUCTURES",
    "Body",
    "EllipsoidPhantom",
    "Negative",
    "NodulePlanter",
    "NoduleRecipe",
    "NoduleShape",
    "PlantedNodule",
    "Scanner",
    "SyntheticCT",
    "acquire",
    "draw_case",
    "draw_scanner",
    "load_or_make_body",
    "make_body",
    "make_cohort",
    "make_ellipsoid",
    "make_other_body",
    "make_small_chest",
    "mass_recipe",
    "write_phantom",
]
