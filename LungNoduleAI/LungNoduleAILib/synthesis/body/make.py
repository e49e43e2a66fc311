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


def has_whole_lungs(seed: int, setting: str = "training") -> bool:
    """Whether the person of a seed has all lobes and no fluid beside them, told without making the body."""
    check_request(seed, setting, (1.0, 1.0, 1.0))
    from LungNoduleAILib.synthesis.body.chest import HELD_OUT, TRAINING, habitus_of

    habitus = habitus_of(seed, TRAINING if setting == "training" else HELD_OUT)
    return not habitus.lost and not any(habitus.effusion_mm)
