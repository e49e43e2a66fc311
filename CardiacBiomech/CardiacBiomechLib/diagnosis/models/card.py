"""The card that lies beside a trained diagnosis: what it is, what it learned from, what it reaches, what it is not."""

from __future__ import annotations

from CardiacBiomechLib.diagnosis.features.catalog import VERSION
from CardiacBiomechLib.diagnosis.models.classifiers import NAMES
from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel
from ThoraxAILib.statistics.proportions import clopper_pearson


def model_card(model: DiagnosisModel, source: str) -> str:
    """Return the card with ``{sha256}`` where the hash of the file belongs; ``source`` names the training table."""
    note = model.note
    low, high = clopper_pearson(note["held_out_right"], note["rows"])
    counts = ", ".join(f"{count} {group}" for group, count in note["rows_by_group"].items())
    features = "\n".join(
        f"| `{feature.name}` | {feature.unit} | {feature.text} | {model.low[at]:.4g} to {model.high[at]:.4g} |"
        for at, feature in enumerate(model.features)
    )
    left_out = ", ".join(f"`{name}`" for name in note["left_out_columns"]) or "none"
    return f"""# Cardiac diagnosis by {NAMES[model.kind]}

Research use only, not a medical device.

| | |
| --- | --- |
| file | `model.json` |
| sha256 | `{{sha256}}` |
| task | one of {", ".join(model.groups)} from {len(model.features)} features of a cine study |
| features of version | `{VERSION}` |
| licence | that of the training data |

## How it was made

Trained on {source}: {note["rows"]} studies ({counts}), seed {note["options"]["seed"]}. Features were selected on all of
these rows; columns left out because a row lacks them, all rows agree or
another says the same: {left_out}. Probabilities are calibrated by one
temperature ({model.temperature:.3f}) on held-out rows.

| feature | unit | what it is | training range |
| --- | --- | --- | --- |
{features}

## What it reaches

In {note["options"]["folds"]}-fold cross-validation, with selection inside the folds, {note["held_out_right"]} of
{note["rows"]} studies were right: {100 * note["held_out_accuracy"]:.1f} % (95 % Clopper-Pearson {100 * low:.1f} to
{100 * high:.1f} %). Prediction sets are made for each group to miss at most {100 * model.alpha:.0f} % of its studies;
no alpha below {note["smallest_alpha"]:.3f} can exclude every group with this many rows.

## What it is not

It knows only the groups named here and hearts like those it learned from; the file holds the training rows'
standardized features, without names. It has not been tested on patients of another hospital.
"""
