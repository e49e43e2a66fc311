"""A network of PyTorch compiled by OpenVINO for one tile size: an option, faster on CPUs without bfloat16.

Converted by its own frontend and not by ``openvino.convert_model``, which starts the usage reports of its makers.
PyTorch at file scope.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

EXAMPLE = 32  # sizes are read from the image, so a small one shows the way


def compiled(network: nn.Module, shape: tuple[int, ...], dtype: torch.dtype) -> Callable[[Tensor], np.ndarray]:
    """A function from a tile of this shape (1, c, k, j, i), float32, to the network's answer (channels, ...), float32.

    ``dtype`` is what it calculates in, bfloat16 or float32; it takes as many threads as PyTorch would.
    """
    import openvino

    precision = "bf16" if dtype == torch.bfloat16 else "f32"
    ready = openvino.Core().compile_model(
        _converted(network, shape),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    return lambda tile: ready(tile.contiguous().numpy())[0][0].astype(np.float32)


def _converted(network: nn.Module, shape: tuple[int, ...]) -> object:
    from openvino import PartialShape, Type
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    decoder = TorchScriptPythonDecoder(_traced(network, shape))  # must outlive the conversion
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = frontend.load(decoder)
    place = model.get_inputs()[0]
    model.set_element_type(place, Type.f32)
    model.set_partial_shape(place, PartialShape(shape))
    return frontend.convert(model)


def _traced(network: nn.Module, shape: tuple[int, ...]) -> torch.jit.ScriptModule:
    """TorchScript, although PyTorch calls it old: OpenVINO runs what torch.export gives a third slower (2026.4)."""
    example = torch.zeros(*shape[:2], *(min(n, EXAMPLE) for n in shape[2:]))
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.freeze(torch.jit.trace(network.to("cpu").eval(), example, check_trace=False))
