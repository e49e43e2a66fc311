"""The person whose heart it is, as far as indices and normal ranges need it; never a name."""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.options import Options, option

SEXES = ("female", "male")
FORMULAS = ("mosteller", "dubois")


@dataclass(frozen=True)
class Person(Options):
    """Height, weight and sex; what is not stated is not guessed."""

    height_cm: float | None = option(None, "for indices by body surface", unit="cm", at_least=30, at_most=250)
    weight_kg: float | None = option(None, "for indices by body surface", unit="kg", at_least=1, at_most=400)
    sex: str | None = option(None, "for normal ranges", choices=SEXES)
    body_surface: str = option("mosteller", "formula of the body surface", choices=FORMULAS, label="body surface by")

    @property
    def surface_m2(self) -> float | None:
        """Body surface: Mosteller (NEJM 317:1098, 1987) or Du Bois (Arch Intern Med 17:863, 1916); None if unknown."""
        if self.height_cm is None or self.weight_kg is None:
            return None
        if self.body_surface == "dubois":
            return 0.007184 * self.height_cm**0.725 * self.weight_kg**0.425
        return (self.height_cm * self.weight_kg / 3600.0) ** 0.5
