"""Phantoms: synthetic chests and single nodules with exactly known truth."""

from LungNoduleAILib.phantom.nodules import PlantedNodule
from LungNoduleAILib.phantom.placement import DEFAULT_RECIPES, NoduleRecipe, mass_recipe
from LungNoduleAILib.phantom.thorax import ThoraxPhantom, make_thorax

__all__ = ["DEFAULT_RECIPES", "NoduleRecipe", "PlantedNodule", "ThoraxPhantom", "make_thorax", "mass_recipe"]
