"""``thoraxai cardiac features``, ``train`` and ``classify``; heavy imports happen inside."""

from __future__ import annotations

import argparse

from CardiacBiomechLib.cases.diagnosis_requests import ClassifyRequest, FeaturesRequest, TrainDiagnosisRequest
from CardiacBiomechLib.cli.engine_choice import progress_on_terminal

TABLE = (
    "A table is a CSV with a header: a column 'Name' or 'study', when labeled a column 'GROUP' or 'diagnosis', and "
    "features by our names or those of the published ACDC table, which are brought to our units."
)
TRAIN = (
    f"{TABLE} A folder of ACDC patients is measured from the readers' labels; models made from ACDC are for research "
    "and not to be passed on. MODEL_DIR receives model.json (numbers only) and CARD.md."
)
CLASSIFY = (
    f"{TABLE} CSV receives study, diagnosis and the probability of each group. A feature in another unit or of another "
    "version is refused. Research use only: the answer is one of the groups the model knows, whatever the heart."
)


def add_diagnose(commands: argparse._SubParsersAction) -> None:
    """Mount ``cardiac features``, ``cardiac train`` and ``cardiac classify``."""
    for name, request, run, text, description in (
        ("features", FeaturesRequest, _features, "write the features of studies as one table", TABLE),
        ("train", TrainDiagnosisRequest, _train, "train a diagnosis on a labeled table", TRAIN),
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


def _train(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.diagnosis_files import train_case
    from CardiacBiomechLib.diagnosis.models.model_file import model_hash
    from ThoraxAILib.statistics.proportions import clopper_pearson

    request = TrainDiagnosisRequest.from_arguments(arguments)
    model = train_case(request, progress_on_terminal(arguments))
    right, rows = model.note["held_out_right"], model.note["rows"]
    low, high = clopper_pearson(right, rows)
    print(f"{request.options.classifier} on {rows} studies of {', '.join(model.groups)}")
    print("features: " + ", ".join(model.names))
    print(
        f"cross-validation with selection inside: {right} of {rows} right, {100 * right / rows:.1f} % "
        f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    )
    print(f"model written to {request.output}, sha256 {model_hash(request.output)}")
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

    from ThoraxAILib.statistics.proportions import clopper_pearson

    whole = np.isfinite(values).all(1)
    if (~whole).any():
        print(f"{int((~whole).sum())} studies lack a feature and are not classified")
    if table.groups is None or not whole.any():
        return
    told = [group for group, complete in zip(table.groups, whole, strict=True) if complete]
    right = sum(model.groups[number] == group for number, group in zip(model.answers(values[whole]), told, strict=True))
    low, high = clopper_pearson(right, len(told))
    print(f"{right} of {len(told)} as the table says (95 % interval {100 * low:.1f} to {100 * high:.1f} %)")
