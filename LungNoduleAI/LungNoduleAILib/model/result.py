"""AnalysisResult: all that one analysis produced, on the grid of the input, ready for scene, files and report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.anatomy import NamedStructures
from LungNoduleAILib.model.files import ARRAYS_FILE, FINDINGS_FILE
from LungNoduleAILib.model.findings import Findings
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.untrusted.plain_json import read_plain_json


@dataclass(frozen=True, eq=False)
class AnalysisResult:
    """``labels`` and ``structures`` as in Anatomy (uint8, grid of ``volume``); findings carry masks there.

    ``named`` is every structure of a published segmenter by its name. Where sides are withheld
    (``findings.lungs.sides_withheld``), 1 stands for all of the lungs and nothing is named.
    """

    volume: Volume
    labels: np.ndarray
    findings: Findings
    lobes_approximate: bool = True
    methods: dict[str, str] = field(default_factory=dict)
    structures: np.ndarray | None = None
    named: NamedStructures | None = None

    def save_arrays(self, directory: Path, name: str = ARRAYS_FILE) -> None:
        """Write labels and nodule masks as ``arrays.npz`` beside findings.json: how a worker hands them to Slicer.

        Arrays are (k, j, i), as ``axis_order`` says; ``ijk_to_ras`` is the 4x4 matrix from (i, j, k, 1) to RAS mm. A
        mask begins at its offset (k, j, i).
        """
        arrays: dict[str, np.ndarray] = {
            "labels": self.labels,
            "lobes_approximate": np.array(self.lobes_approximate),
            "axis_order": np.array("kji"),
            "ijk_to_ras": self.volume.ijk_to_ras,
            "origin_ras_mm": self.volume.ijk_to_ras[:3, 3],
            "spacing_ijk_mm": self.volume.spacing_ijk_mm,
        }
        if self.structures is not None:
            arrays["structures"] = self.structures
        if self.named is not None:
            arrays["named"], arrays["named_names"] = self.named.labels, np.array(self.named.names)
        for finding in self.findings.findings:
            if finding.mask is not None:
                arrays[f"mask_{finding.id}"] = finding.mask.array
                arrays[f"offset_{finding.id}"] = np.array(finding.mask.offset_kji)
        np.savez(directory / name, **arrays)  # type: ignore[arg-type]  # the stub sees allow_pickle

    @staticmethod
    def load(directory: Path, volume: Volume, names: tuple[str, str] = (FINDINGS_FILE, ARRAYS_FILE)) -> AnalysisResult:
        """Read what save_arrays and findings.json hold back onto ``volume``; raises ValueError when they do not fit.

        ``names`` are those of the two files.
        """
        findings = Findings.from_dict(read_plain_json(directory / names[0]))
        with np.load(directory / names[1]) as arrays:
            labels = arrays["labels"]
            if labels.shape != volume.array.shape:
                raise ValueError(f"labels of shape {labels.shape} do not fit a volume of shape {volume.array.shape}")
            masks = {
                name[5:]: Mask(three(int(o) for o in arrays["offset_" + name[5:]]), arrays[name])
                for name in arrays.files
                if name.startswith("mask_")
            }
            approximate = bool(arrays["lobes_approximate"])
            structures = arrays["structures"] if "structures" in arrays.files else None
            named = None
            if "named" in arrays.files:
                named = NamedStructures(arrays["named"], tuple(str(name) for name in arrays["named_names"]))
        with_masks = tuple(replace(finding, mask=masks.get(finding.id)) for finding in findings.findings)
        return AnalysisResult(
            volume, labels, replace(findings, findings=with_masks), approximate, structures=structures, named=named
        )
