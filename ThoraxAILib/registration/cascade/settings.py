"""Shape of a cascade and of its training; saved with the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class CascadeSettings:
    """One network per entry of ``factors`` (its in-plane shrink factor); fields are summed or composed.

    Equal factors reproduce the published cascade, falling ones go from coarse to fine. ``in_plane_mm`` is the voxel
    size the networks were trained at; slices are never shrunk.
    """

    factors: tuple[int, ...] = (4, 2, 2)
    channels: tuple[int, ...] = (16, 32, 48)
    composition: str = "sum"
    in_plane_mm: float = 1.5
    output_mm: float = 5.0

    def __post_init__(self) -> None:
        if self.composition not in ("sum", "compose"):
            raise InputError(f"Fields cannot be combined by {self.composition}: use sum or compose.")
        if not self.factors or min(self.factors) < 1:
            raise InputError("A cascade needs at least one network with a shrink factor of 1 or more.")

    def as_json(self) -> dict:
        """Plain values, accepted by ``from_json``."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict) -> CascadeSettings:
        """Settings saved by ``as_json``."""
        return CascadeSettings(**{**values, "factors": tuple(values["factors"]), "channels": tuple(values["channels"])})
