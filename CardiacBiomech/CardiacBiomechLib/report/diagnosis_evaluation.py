"""The report of how good a diagnosis is: one HTML file that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from CardiacBiomechLib.diagnosis.features.catalog import feature_of
from ThoraxAILib.report.page import Table, render_page

TEMPLATE = Path(__file__).parent / "templates" / "diagnosis_evaluation.html"
MOST_SELECTED = 15


def write_evaluation_report(path: Path, found: dict[str, Any], name: str) -> None:
    """Write the report of the content of evaluation.json; ``name`` is that of the table."""
    kind = found["options"]["classifier"]
    text = render_page(
        TEMPLATE,
        f"Evaluation of a cardiac diagnosis: {name}",
        accuracy=_accuracy(found),
        data=f"{found['rows']} studies of {', '.join(found['groups'])}, {kind}, seed {found['options']['seed']}",
        leak=found["noise"]["leak_alarm"],
        confusion=_confusion(found),
        curve=_curve(found),
        ablation=_ablation(found),
        selection=_selection(found),
        stability=f"Mean Jaccard index of two selections: {found['selection']['jaccard']:.2f}",
    )
    path.write_text(text, encoding="utf-8")


def percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.1f} %"


def _interval(part: dict[str, Any]) -> str:
    return f"{percent(part['interval'][0])} to {percent(part['interval'][1])}"


def _accuracy(found: dict[str, Any]) -> Table:
    noise, permuted = found["noise"], found["permutation"]
    shuffled = f"p = {permuted['p']:.3f} of {permuted['permutations']} permutations"
    rows = [
        ("Selection inside the folds", percent(found["nested"]["accuracy"]), _interval(found["nested"])),
        (
            "Selection on all rows (too good)",
            percent(found["selected_on_all_rows"]["accuracy"]),
            _interval(found["selected_on_all_rows"]),
        ),
        ("Groups shuffled", percent(permuted["mean_accuracy_of_shuffled_groups"]), shuffled),
        ("Noise features, selection inside", percent(noise["nested"]), f"chance {percent(noise['chance'])}"),
        ("Noise features, selection on all rows", percent(noise["selected_on_all_rows"]), ""),
    ]
    rules = found["rules"]
    if rules is not None:
        left = rules["true_group_among_those_left"]
        rows += [
            ("Published definitions alone: the true group and no other", percent(rules["accuracy"]), _interval(rules)),
            (
                f"The true group among those they leave ({rules['mean_groups_left']:.1f} on average)",
                percent(left["accuracy"]),
                _interval(left),
            ),
        ]
    return Table.of((("", False), ("Accuracy", True), ("95 % Clopper-Pearson interval, test", False)), rows)


def _confusion(found: dict[str, Any]) -> Table:
    head = (("", False), *((group, True) for group in found["groups"]))
    rows = [
        (group, *(str(count) for count in row)) for group, row in zip(found["groups"], found["confusion"], strict=True)
    ]
    return Table.of(head, rows)


def _curve(found: dict[str, Any]) -> Table:
    rows = [
        (str(point["rows"]), percent(point["mean"]), f"{percent(point['low'])} to {percent(point['high'])}")
        for point in found["learning_curve"]
    ]
    return Table.of((("Training studies", True), ("Mean accuracy on the rest", True), ("95 % of subsets", False)), rows)


def _ablation(found: dict[str, Any]) -> Table:
    rows = [
        (
            " + ".join(step["families"]),
            str(step["features"]),
            percent(step["accuracy"]),
            _interval(step),
            f"+{step['gained']} / -{step['lost']}",
            f"{step['p_mcnemar']:.3f}",
        )
        for step in found["ablation"]
    ]
    head = (
        ("Families", False), ("Features", True), ("Accuracy", True), ("95 % interval", False),
        ("Gained / lost against the row above", True), ("p (McNemar, exact)", True),
    )  # fmt: skip
    return Table.of(head, rows)


def _selection(found: dict[str, Any]) -> Table:
    shares = sorted(found["selection"]["share_of_parts"].items(), key=lambda item: -item[1])[:MOST_SELECTED]
    rows = [(name, feature_of(name).text, percent(share)) for name, share in shares]
    return Table.of((("Feature", False), ("What it is", False), ("Share of parts", True)), rows)
