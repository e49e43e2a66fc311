"""Runs a small network over whole inputs, such as cubes around nodules, on the device that was chosen.

Always in float32: such inputs are small, and what is measured from the answers shall not depend on the processor.
PyTorch at file scope.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from ThoraxAILib.networks.device import OPENVINO, NetworkDevice

logger = logging.getLogger(__name__)
Answer = Callable[..., np.ndarray]


class WholeInputs:
    """A network ready to answer arrays of one size; OpenVINO compiles it once per size.

    What OpenVINO cannot convert runs with PyTorch on the CPU, and ``device`` says so afterwards.
    """

    def __init__(self, network: nn.Module, device: str | NetworkDevice = "cpu") -> None:
        self._network, self._device = network.eval(), NetworkDevice.of(device)
        self._runs_openvino = self._device.given == OPENVINO
        self._compiled: dict[tuple[tuple[int, ...], ...], Answer] = {}

    def answer(self, *inputs: np.ndarray) -> np.ndarray:
        """Return the network's answer (n, ...), float32, to inputs (n, ...), float32."""
        if self._runs_openvino:
            compiled = self._compiled_for(tuple(array.shape[1:] for array in inputs))
            if compiled is not None:
                self._device.ran_on(OPENVINO)
                return np.concatenate(
                    [compiled(*(array[n : n + 1] for array in inputs)) for n in range(len(inputs[0]))]
                )
        place = "cpu" if self._device.given == OPENVINO else self._device.given
        with torch.inference_mode():
            found = self._network.to(place)(*(torch.from_numpy(array).to(place) for array in inputs))
        self._device.ran_on(place)
        return found.cpu().numpy()

    def _compiled_for(self, shapes: tuple[tuple[int, ...], ...]) -> Answer | None:
        """Return the network for inputs of these shapes, one at a time; None when OpenVINO cannot convert it."""
        from ThoraxAILib.networks.openvino_network import compiled_for

        if shapes not in self._compiled:
            try:
                self._compiled[shapes] = compiled_for(self._network, [(1, *shape) for shape in shapes])
            except RuntimeError as error:  # what its frontend raises for an operation it does not know
                logger.warning("OpenVINO cannot run this network (%s): it runs on the CPU", type(error).__name__)
                self._runs_openvino = False
                return None
        return self._compiled[shapes]
