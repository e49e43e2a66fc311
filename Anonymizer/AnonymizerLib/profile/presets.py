"""Ready profiles for common purposes; each is only a set of the standard's options."""

from __future__ import annotations

from collections.abc import Iterable

from AnonymizerLib.profile.options import Option, Profile, parse_options
from AnonymizerLib.profile.rules import UserRules
from ThoraxAILib.errors import InputError

PRESETS: dict[str, tuple[str, frozenset[Option], bool]] = {
    "basic": ("Basic profile: no dates, no descriptions, no device.", frozenset(), False),
    "research": (
        "Research sharing: shifted dates, cleaned descriptions and content, age, sex, size and safe private data.",
        frozenset(
            {
                Option.MODIFIED_DATES,
                Option.CLEAN_DESCRIPTORS,
                Option.CLEAN_STRUCTURED_CONTENT,
                Option.PATIENT_CHARACTERISTICS,
                Option.SAFE_PRIVATE,
            }
        ),
        False,
    ),
    "longitudinal": (
        "Longitudinal study: as research, and the scanner stays known so that follow-ups can be compared.",
        frozenset(
            {
                Option.MODIFIED_DATES,
                Option.CLEAN_DESCRIPTORS,
                Option.CLEAN_STRUCTURED_CONTENT,
                Option.PATIENT_CHARACTERISTICS,
                Option.SAFE_PRIVATE,
                Option.DEVICE,
            }
        ),
        False,
    ),
    "teaching": (
        "Teaching file: no dates, cleaned descriptions, age and sex, pixels cleaned of burned-in text.",
        frozenset({Option.CLEAN_DESCRIPTORS, Option.PATIENT_CHARACTERISTICS, Option.CLEAN_PIXELS}),
        False,
    ),
    "strict": (
        "Strict allow-list: the basic profile, and nothing that the SOP class does not define.",
        frozenset(),
        True,
    ),
}


def profile_named(name: str, extra_options: Iterable[str] = (), rules: UserRules | None = None) -> Profile:
    """Make the preset with further options (by name) and the person's rules; a date option replaces the preset's."""
    if name not in PRESETS:
        raise InputError(f"There is no profile '{name}': choose from {', '.join(PRESETS)}.")
    _, options, strict = PRESETS[name]
    extra = parse_options(extra_options)
    dates = {Option.FULL_DATES, Option.MODIFIED_DATES}
    kept = options - dates if extra & dates else options
    return Profile(kept | extra, strict, rules, name)
