"""Phantoms: synthetic chests and single nodules with exactly known truth."""

from LungNoduleAILib.phantom.nodules import PlantedNodule
from LungNoduleAILib.phantom.placement import DEFAULT_RECIPES, NoduleRecipe, mass_recipe
from LungNoduleAILib.phantom.thorax import ThoraxPhantom, make_thorax
from LungNoduleAILib.phantom.truth import write_phantom
from LungNoduleAILib.phantom.volumetry import EllipsoidPhantom, make_ellipsoid

__all__ = ["DEFAULT_RECIPES", "EllipsoidPhantom", "NoduleRecipe", "PlantedNodule", "ThoraxPhantom", "make_ellipsoid",
           "make_thorax", "mass_recipe", "write_phantom"]
