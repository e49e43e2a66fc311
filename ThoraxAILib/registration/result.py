"""What every registration engine gives back."""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.registration.field import Field


@dataclass(frozen=True, eq=False)
class Registration:
    """A field, the increments of its levels (their sum is the field unless composed), and how the search ended."""

    field: Field
    increments: tuple[Field, ...]
    similarity: float
    energy: float
    seconds: float
