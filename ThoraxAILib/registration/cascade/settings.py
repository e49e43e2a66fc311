"""Shape of a cascade and of its training; saved with the weights."""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class CascadeSettings(Options):
    """One network per entry of ``factors`` (its in-plane shrink factor); fields are summed or composed.

    Equal factors reproduce the published cascade, falling ones go from coarse to fine. ``in_plane_mm`` is the voxel
    size the networks were trained at; slices are never shrunk.
    """

    factors: tuple[int, ...] = option((4, 2, 2), "in-plane shrink factor of each network", at_least=1)
    channels: tuple[int, ...] = option((16, 32, 48), "of each network, from fine to coarse", at_least=1)
    composition: str = option("sum", "how fields are combined", choices=("sum", "compose"))
    in_plane_mm: float = option(1.5, "voxel size to train at", unit="mm", more_than=0)
    output_mm: float = option(5.0, "shift that one unit of a network's output means", unit="mm", more_than=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.factors:
            raise InputError("A cascade needs at least one network: give a shrink factor of 1 or more.")
