"""``thoraxai.compare_cine``: two dates of one heart, beside how far two readings of one heart differ."""

from __future__ import annotations

import os
from pathlib import Path

from CardiacBiomechLib.cases.compare_case import CompareRequest, compare_case


def compare_cine(before: Path | str, after: Path | str, output: Path | str) -> dict:
    """Compare two results of ``analyze_cine`` of one person.

    Args:
        before: Folder of results of the earlier date.
        after: Folder of results of the later date.
        output: Folder for comparison.json, comparison.csv and comparison.html; older ones in it are replaced.

    Returns:
        The content of comparison.json (schema thoraxai.cardiac-comparison/1).

    Raises:
        InputError: A folder holds no result that can be read.
        OutputError: The folder cannot be written.

    Example:
        >>> found = thoraxai.compare_cine("out_2024", "out_2026", "change")
        >>> print([change["verdict"] for change in found["changes"]])
    """
    folders = (Path(os.fspath(folder)) for folder in (before, after, output))
    return compare_case(CompareRequest(*folders)).to_dict()
