"""``thoraxai cardiac features``, ``cohort``, ``train``, ``evaluate`` and ``classify``; heavy imports happen inside."""

from __future__ import annotations

import argparse

from CardiacBiomechLib.cases.diagnosis_requests import (
    ClassifyRequest,
    EvaluateDiagnosisRequest,
    FeaturesRequest,
    TrainDiagnosisRequest,
)
from CardiacBiomechLib.cli.engine_choice import progress_on_terminal
from CardiacBiomechLib.training.diagnosis_cohort import CohortRequest

TABLE = (
    "A table is a CSV with a header: a column 'Name' or 'study', when labeled a column 'GROUP' or 'diagnosis', and "
    "features by our names or those of the published ACDC table, which are brought to our units."
)
TRAIN = (
    f"{TABLE} A folder of ACDC patients is measured from the readers' labels; models made from ACDC are for research "
    "and not to be passed on. MODEL_DIR receives model.json (numbers only) and CARD.md."
)
COHORT = (
    "Hearts of the five ACDC groups by their published definitions, measured as patients are: on thick slices, with a "
    "motion that has errors. The shipped diagnosis was trained on such a table."
)
EVALUATE = (
    "DIR receives evaluation.html and evaluation.json: accuracy in nested cross-validation with its interval, "
    "confusion matrix, learning curve, what each family of features adds with a paired test, a permutation test and an "
    "alarm that rings when features without meaning do better than chance."
)
CLASSIFY = (
    f"{TABLE} CSV receives study, diagnosis and the probability of each group. A feature in another unit or of another "
    "version is refused. Research use only: the answer is one of the groups the model knows, whatever the heart."
)


def add_diagnose(commands: argparse._SubParsersAction) -> None:
    """Mount the commands that make, train, judge and use a diagnosis."""
    for name, request, run, text, description in (
        ("features", FeaturesRequest, _features, "write the features of studies as one table", TABLE),
        ("cohort", CohortRequest, _cohort, "write a labeled table of synthetic hearts of the five groups", COHORT),
        ("train", TrainDiagnosisRequest, _train, "train a diagnosis on a labeled table", TRAIN),
        ("evaluate", EvaluateDiagnosisRequest, _evaluate, "say how good a diagnosis of a labeled table is", EVALUATE),
        ("classify", ClassifyRequest, _classify, "classify studies by a trained diagnosis", CLASSIFY),
    ):
        parser = commands.add_parser(name, help=text, description=description)
        request.add_arguments(parser)
        parser.set_defaults(run=run)


def _features(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.diagnosis_files import write_features

    request = FeaturesRequest.from_arguments(arguments)
    table = write_features(request, progress_on_terminal(arguments))
    print(f"{len(table.names)} studies with {len(table.features)} features written to {request.output}")
    return 0


def _cohort(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.diagnosis_files import write_cohort

    request = CohortRequest.from_arguments(arguments)
    table = write_cohort(request, progress_on_terminal(arguments))
    print(f"{len(table.names)} synthetic hearts with {len(table.features)} features written to {request.output}")
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.diagnosis_files import train_case
    from CardiacBiomechLib.diagnosis.models.model_file import model_hash

    request = TrainDiagnosisRequest.from_arguments(arguments)
    model = train_case(request, progress_on_terminal(arguments))
    right, rows = model.note["held_out_right"], model.note["rows"]
    print(f"{request.options.classifier} on {rows} studies of {', '.join(model.groups)}")
    print("features: " + ", ".join(model.names))
    print(
        f"cross-validation with selection inside: {right} of {rows} right, {100 * right / rows:.1f} % "
        f"({_interval(right, rows)})"
    )
    print(f"model written to {request.output}, sha256 {model_hash(request.output)}")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.diagnosis_files import evaluate_case

    request = EvaluateDiagnosisRequest.from_arguments(arguments)
    found = evaluate_case(request, progress_on_terminal(arguments))
    for name, words in (("nested", "selection inside the folds"), ("selected_on_all_rows", "selection on all rows")):
        right, rows = found[name]["right"], found["rows"]
        print(f"{words}: {right} of {rows}, {100 * found[name]['accuracy']:.1f} % ({_interval(right, rows)})")
    if found["rules"] is not None:
        rules, left = found["rules"], found["rules"]["true_group_among_those_left"]["accuracy"]
        print(
            f"published definitions alone: {rules['right']} of {found['rows']}, {100 * rules['accuracy']:.1f} %; the "
            f"true group among the {rules['mean_groups_left']:.1f} they leave: {100 * left:.1f} %"
        )
    print(f"written to {request.output}")
    if found["noise"]["leak_alarm"]:
        print("LEAK ALARM: features without meaning reach more than chance")
    return 0


def _classify(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.diagnosis_files import classify_case

    request = ClassifyRequest.from_arguments(arguments)
    model, table = classify_case(request, progress_on_terminal(arguments))
    values = table.of(model.names)
    _print_answers(model, table, values)
    if len(table.names) == 1:
        _print_reasons(model, table)
    print(f"{len(table.names)} studies classified, written to {request.output}")
    return 0


def _print_reasons(model, table) -> None:
    import numpy as np

    from CardiacBiomechLib.diagnosis.explanation.explain import explain, in_lines

    values = {name: float(value) for name, value in zip(table.features, table.values[0], strict=True)}
    if all(np.isfinite(values[name]) for name in model.names):
        print("\n".join(in_lines(explain(model, values))))


def _print_answers(model, table, values) -> None:
    import numpy as np

    whole = np.isfinite(values).all(1)
    if (~whole).any():
        print(f"{int((~whole).sum())} studies lack a feature and are not classified")
    if table.groups is None or not whole.any():
        return
    told = [group for group, complete in zip(table.groups, whole, strict=True) if complete]
    right = sum(model.groups[number] == group for number, group in zip(model.answers(values[whole]), told, strict=True))
    print(f"{right} of {len(told)} as the table says ({_interval(right, len(told))})")


def _interval(right: int, rows: int) -> str:
    """Return the exact interval of a share in words."""
    from ThoraxAILib.statistics.proportions import clopper_pearson

    low, high = clopper_pearson(right, rows)
    return f"95 % interval {100 * low:.1f} to {100 * high:.1f} %"
