"""Whether two scans may show the same person: only then do the vessels of both fall into place.

Measured once on phantom pairs (those of Testing/algorithms/lung_pair_builder.py): the similarity after registration is
0.79 or more for one person over breath levels, noise, slice thickness and crops, and 0.62 or less for two persons.
"""

from __future__ import annotations

from LungNoduleAILib.followup.registration.register import LungRegistration

MIN_SIMILARITY = 0.70


def plausibly_same_person(registration: LungRegistration) -> tuple[bool, str]:
    """Whether the match is as good as that of one person's scans, and the reason; a warning, never a proof."""
    quality = registration.quality
    found = (
        f"similarity {quality.similarity:.2f} of 1 after registration, {quality.poor_percent:.0f} % of the lungs "
        "poorly matched"
    )
    if quality.similarity < MIN_SIMILARITY:
        return False, f"The vessels of the two scans do not match ({found}): check that both are of the same person."
    return True, f"The lungs match ({found})."
