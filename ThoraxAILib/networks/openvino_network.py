"""A network of PyTorch compiled by OpenVINO for one tile size: an option, faster on CPUs without bfloat16.

Converted by its own frontend and not by ``openvino.convert_model``, which starts the usage reports of its makers.
PyTorch at file scope.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

EXAMPLE = 32  # sizes are read from the image, so a small one shows the way


def compiled(network: nn.Module, shape: tuple[int, ...], dtype: torch.dtype) -> Callable[[Tensor], np.ndarray]:
    """Return a function from a tile of this shape (1, c, k, j, i), float32, to the network's answer (channels, ...),
    float32.

    ``dtype`` is what it calculates in, bfloat16 or float32; it takes as many threads as PyTorch would.
    """
    example = torch.zeros(*shape[:2], *(min(n, EXAMPLE) for n in shape[2:]))
    ready = _ready(network, [shape], [example], "bf16" if dtype == torch.bfloat16 else "f32")
    return lambda tile: ready(tile.contiguous().numpy())[0][0].astype(np.float32)


def compiled_for(network: nn.Module, shapes: Sequence[tuple[int, ...]]) -> Callable[..., np.ndarray]:
    """Return a function from arrays of these shapes, float32, to the network's whole answer, calculated in float32.

    Raises RuntimeError when OpenVINO cannot convert the network.
    """
    ready = _ready(network, shapes, [torch.zeros(*shape) for shape in shapes], "f32")
    return lambda *inputs: ready([np.ascontiguousarray(array) for array in inputs])[0].astype(np.float32)


def _ready(network: nn.Module, shapes: Sequence[tuple[int, ...]], examples: list[Tensor], precision: str) -> Any:
    import openvino

    return openvino.Core().compile_model(
        _converted(_traced(network, examples), shapes),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        },
    )


def _converted(traced: torch.jit.ScriptModule, shapes: Sequence[tuple[int, ...]]) -> object:
    from openvino import PartialShape, Type
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    decoder = TorchScriptPythonDecoder(traced)  # must outlive the conversion
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = frontend.load(decoder)
    for place, shape in zip(model.get_inputs(), shapes, strict=True):
        model.set_element_type(place, Type.f32)
        model.set_partial_shape(place, PartialShape(shape))
    return frontend.convert(model)


def _traced(network: nn.Module, examples: list[Tensor]) -> torch.jit.ScriptModule:
    """TorchScript, although PyTorch calls it old: OpenVINO runs what torch.export gives a third slower (2026.4)."""
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(network.to("cpu").eval(), tuple(examples), check_trace=False)
        return torch.jit.freeze(traced)
