"""The regularizers by name, as options and commands spell them.

They are not engines of ThoraxAILib.engines: a regularizer is a term of an optimization, without weights, licence or
device of its own; the engine it serves and the options that name it are what a run records.
"""

from __future__ import annotations

from ThoraxAILib.errors import InputError
from ThoraxAILib.registration.regularizers.bending import Bending
from ThoraxAILib.registration.regularizers.diffusion import Diffusion
from ThoraxAILib.registration.regularizers.neo_hookean import NeoHookean
from ThoraxAILib.registration.regularizers.protocol import Regularizer

REGULARIZERS: dict[str, type[Regularizer]] = {kind.name: kind for kind in (NeoHookean, Diffusion, Bending)}


def regularizer(name: str) -> Regularizer:
    """Return the regularizer of this name; raises InputError for an unknown one."""
    if name not in REGULARIZERS:
        raise InputError(f"There is no regularizer named {name}: choose one of {', '.join(sorted(REGULARIZERS))}.")
    return REGULARIZERS[name]()
