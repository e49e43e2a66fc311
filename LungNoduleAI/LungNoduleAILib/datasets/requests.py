"""What the commands on annotated CT are asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LungNoduleAILib.datasets.training_case import MIN_READERS
from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class DatasetRequest(Options):
    """Which folder of annotated CT to read, and how many LIDC readers must agree on a nodule."""

    data: Path = option(help="folder of the data set", positional=True, metavar="PATH")
    readers: int = option(
        MIN_READERS, "LIDC readers who must agree on a nodule", label="number of readers", at_least=1, at_most=4
    )


@dataclass(frozen=True)
class ExportRequest(Options):
    """Which data set to write anew as nnU-Net's, and where."""

    data: Path = option(help="folder of the data set", positional=True, metavar="PATH")
    output: Path = option(help="new folder, e.g. nnUNet_raw/Dataset501_Nodules", metavar="DIR")
    readers: int = option(
        MIN_READERS, "LIDC readers who must agree on a nodule", label="number of readers", at_least=1, at_most=4
    )
