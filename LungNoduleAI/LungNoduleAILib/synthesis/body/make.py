"""One person of a seed: the door to the bodies that training and the held-out setting use."""

from __future__ import annotations

from LungNoduleAILib.synthesis.model.body import Body, check_request


def make_body(
    seed: int, setting: str = "training", spacing_mm: tuple[float, float, float] = (1.25, 1.25, 1.25)
) -> Body:
    """Return the person of a seed on a grid of ``spacing_mm`` (i, j, k) that covers the chest; same seed, same person.

    Raises InputError for an unknown setting, a negative seed or a spacing that is not positive.
    """
    check_request(seed, setting, spacing_mm)
    from LungNoduleAILib.synthesis.body.chest import HELD_OUT, TRAINING, make_chest

    return make_chest(seed, TRAINING if setting == "training" else HELD_OUT, spacing_mm)
