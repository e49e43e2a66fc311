"""Phantoms: synthetic chests and single nodules with exactly known truth."""

from LungNoduleAILib.phantom.acquisition import acquire
from LungNoduleAILib.phantom.body import Body, Negative, make_body
from LungNoduleAILib.phantom.case import draw_case
from LungNoduleAILib.phantom.cohort import load_or_make_body, make_cohort
from LungNoduleAILib.phantom.nodule_shape import NoduleShape
from LungNoduleAILib.phantom.nodules import PlantedNodule
from LungNoduleAILib.phantom.other_bodies import OTHER_KINDS, make_other_body
from LungNoduleAILib.phantom.placement import DEFAULT_RECIPES, NoduleRecipe, mass_recipe
from LungNoduleAILib.phantom.planting import NodulePlanter
from LungNoduleAILib.phantom.scanner_settings import Scanner, draw_scanner
from LungNoduleAILib.phantom.structures import PATTERNS, STRUCTURES
from LungNoduleAILib.phantom.thorax import ThoraxPhantom, make_thorax
from LungNoduleAILib.phantom.truth import write_phantom
from LungNoduleAILib.phantom.volumetry import EllipsoidPhantom, make_ellipsoid

__all__ = ["DEFAULT_RECIPES", "OTHER_KINDS", "PATTERNS", "STRUCTURES", "Body", "EllipsoidPhantom", "Negative",
           "NodulePlanter", "NoduleRecipe", "NoduleShape", "PlantedNodule", "Scanner", "ThoraxPhantom", "acquire",
           "draw_case", "draw_scanner", "load_or_make_body", "make_body", "make_cohort", "make_ellipsoid",
           "make_other_body", "make_thorax", "mass_recipe", "write_phantom"]
