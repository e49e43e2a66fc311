"""A network that learns: its optimizer, its clipped gradients and the moving average of its weights.

PyTorch at file scope.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class MovingAverage:
    """Exponential average of the weights of a network, which is what is kept of a training.

    After n steps it keeps n / (n + ``rise``) of itself, at most ``decay``: the first weights are soon forgotten.
    Counters are taken as they are, and running statistics too unless ``with_statistics``.
    """

    def __init__(self, network: nn.Module, decay: float, rise: int = 10, with_statistics: bool = True) -> None:
        self._decay, self._rise, self._with_statistics = decay, rise, with_statistics
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def follow(self, network: nn.Module, step: int) -> None:
        """Move towards the weights that a network has after ``step`` steps (1, 2, ...)."""
        keep = min(self._decay, step / (step + self._rise))
        for name, value in network.state_dict().items():
            if value.is_floating_point() and (self._with_statistics or "running" not in name):
                self.blend(self.state[name], value.detach(), keep)
            else:
                self.state[name].copy_(value)

    def blend(self, average: Tensor, value: Tensor, keep: float) -> None:
        """Change ``average`` to ``keep`` times itself and the rest ``value``."""
        average.lerp_(value, 1 - keep)


class Learner(Generic[Network]):
    """One network in training; ``average`` is None when the last weights themselves are kept."""

    def __init__(
        self, network: Network, optimizer: torch.optim.Optimizer, clip: float, average: MovingAverage | None = None
    ) -> None:
        """``clip`` is the largest norm of a gradient; longer ones are shortened to it."""
        self.network, self.average, self.step = network, average, 0
        self._optimizer, self._clip = optimizer, clip

    def descend(self, loss: Tensor, rate: float) -> None:
        """One step down the gradient of ``loss`` with a learning rate; the average follows."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self._clip)
        self._optimizer.step()
        self.step += 1
        if self.average is not None:
            self.average.follow(self.network, self.step)

    @property
    def kept_weights(self) -> dict[str, Tensor]:
        """The weights a training ends with: their average where there is one."""
        return self.network.state_dict() if self.average is None else self.average.state

    def state(self) -> dict:
        """Everything that ``resume`` needs."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": None if self.average is None else self.average.state,
            "step": self.step,
        }

    def resume(self, state: dict) -> None:
        """Go on from what ``state`` gave."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.state = state["average"]
        self.step = state["step"]


def freeze_normalization(network: nn.Module) -> None:
    """Batch normalization uses its running statistics from now on, until ``network.train()``."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.eval()
