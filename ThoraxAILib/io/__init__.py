"""DICOM folders, NRRD, NIfTI and MetaImage to Volume, with every choice and repair stated."""

from ThoraxAILib.io.cases import Case, find_cases
from ThoraxAILib.io.series import SeriesSummary
from ThoraxAILib.io.volumes import find_series, read_volume

__all__ = ["Case", "SeriesSummary", "find_cases", "find_series", "read_volume"]
