"""The learned detector on disk: both networks, their calibration and how they were made, in one weights file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.detection.two_levels import MASSES, NODULES, SHRINK, SPACING_MM, Calibration
from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.file_cache import cached_by_file
from ThoraxAILib.networks.weights_file import load_weights, save_weights

if TYPE_CHECKING:
    from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork

SCHEMA = "thoraxai.nodule-detector/1"
SHIPPED = Path(__file__).with_name("nodule_detector.pt")
MAKER = "thoraxai lung train detector"


def write_detector(path: Path, networks: dict[str, HeatmapNetwork], calibration: Calibration, note: dict) -> None:
    """Write both networks (keys NODULES and MASSES); the file appears whole or not at all."""
    settings = {
        "networks": {name: asdict(network.settings) for name, network in networks.items()},
        "scaling": {name: list(pair) for name, pair in calibration.scaling.items()},
        "operating_point": calibration.operating_point,
    }
    state = {
        f"{name}.{key}": value for name, network in networks.items() for key, value in network.state_dict().items()
    }
    save_weights(path, SCHEMA, settings, state, note)


def read_detector(path: Path = SHIPPED) -> tuple[dict[str, HeatmapNetwork], Calibration, str]:
    """Both networks, their calibration and the hash of the file, kept while the file stays as it is.

    Raises InputError for a file of another kind.
    """
    return _detector_of(path)


@cached_by_file
def _detector_of(path: Path) -> tuple[dict[str, HeatmapNetwork], Calibration, str]:
    weights = load_weights(path, SCHEMA, MAKER)
    from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork, HeatmapSettings

    networks = {}
    for name, spacing_mm in ((NODULES, SPACING_MM), (MASSES, SPACING_MM * SHRINK)):
        network = HeatmapNetwork(HeatmapSettings.from_dict(weights.settings["networks"][name]))
        if network.settings.spacing_mm != spacing_mm:
            raise InputError(
                f"The detector in '{path.name}' looks at voxels of {network.settings.spacing_mm:g} mm, "
                f"this version at {spacing_mm:g} mm: train it again with '{MAKER}'."
            )
        network.load_state_dict(
            {key.removeprefix(f"{name}."): value for key, value in weights.state.items() if key.startswith(f"{name}.")}
        )
        networks[name] = network.eval()
    scaling = {name: (float(a), float(b)) for name, (a, b) in weights.settings["scaling"].items()}
    return networks, Calibration(scaling, float(weights.settings["operating_point"])), weights.sha256
