"""Sizes as Lung-RADS v2022 measures them: axes and mean to one decimal, volumes to whole mm3."""

from __future__ import annotations

from decimal import Decimal

from LungNoduleAILib.guidelines.terms.answer import Trace
from LungNoduleAILib.guidelines.terms.bands import Size
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.measures import one_decimal, whole


def mean_diameter_mm(inputs: Inputs, trace: Trace | None = None) -> Decimal | None:
    """Return the stated mean, else (long + short) / 2, both to one decimal; else the last of the history; None
    without any.
    """
    if inputs.mean_diameter_mm is not None:
        return one_decimal(inputs.mean_diameter_mm)
    if inputs.long_axis_mm is not None and inputs.short_axis_mm is not None:
        return one_decimal((one_decimal(inputs.long_axis_mm) + one_decimal(inputs.short_axis_mm)) / 2)
    if inputs.diameter_mm is not None:
        if trace is not None:
            trace.unsure("'diameter_mm' does not say which diameter it is; it is taken as the mean diameter.")
        return one_decimal(inputs.diameter_mm)
    history = zip(inputs.history_months_ago or (), inputs.diameter_history_mm or (), strict=True)
    return next((one_decimal(size) for ago, size in history if ago == 0), None)


def total_sizes(inputs: Inputs, trace: Trace) -> tuple[Size, ...]:
    """Mean diameter first (the category table is in mm), then volume; raises MissingInput when there is neither."""
    mean = mean_diameter_mm(inputs, trace)
    sizes = () if mean is None else (Size(mean, "mm", "mean diameter"),)
    if inputs.volume_mm3 is not None:
        sizes = (*sizes, Size(whole(inputs.volume_mm3), "mm3", "volume"))
    if not sizes:
        raise MissingInput(
            f"Lung-RADS needs the size of the {inputs.type} nodule: state 'mean_diameter_mm', "
            "'long_axis_mm' with 'short_axis_mm', or 'volume_mm3'.",
            "mean_diameter_mm",
        )
    return sizes


def solid_part_sizes(inputs: Inputs, trace: Trace) -> tuple[Size, ...]:
    """Return the same of the solid part of a part-solid nodule; raises MissingInput when it is not stated."""
    sizes: tuple[Size, ...] = ()
    if inputs.solid_mean_diameter_mm is not None:
        sizes = (Size(one_decimal(inputs.solid_mean_diameter_mm), "mm", "mean diameter of the solid part"),)
    if inputs.solid_volume_mm3 is not None:
        sizes = (*sizes, Size(whole(inputs.solid_volume_mm3), "mm3", "volume of the solid part"))
    if not sizes and inputs.solid_max_diameter_mm is not None:
        trace.unsure("Only the maximum diameter of the solid part is stated; it stands for the mean diameter.")
        sizes = (Size(one_decimal(inputs.solid_max_diameter_mm), "mm", "maximum diameter of the solid part"),)
    if not sizes:
        raise MissingInput(
            "Lung-RADS needs the size of the solid part of the part-solid nodule: state "
            "'solid_mean_diameter_mm' or 'solid_volume_mm3'.",
            "solid_mean_diameter_mm",
        )
    return sizes
