"""``thoraxai cardiac ...``: all commands of the heart; heavy imports happen inside."""

from __future__ import annotations

import argparse
from pathlib import Path

from CardiacBiomechLib.cases.requests import (
    PhantomFilesRequest,
    PropagateRequest,
    RegisterRequest,
    TrainRegistrationRequest,
    TrainSegmentationRequest,
)
from CardiacBiomechLib.cli.analyze import add_analyze
from CardiacBiomechLib.cli.compare import add_compare
from CardiacBiomechLib.cli.diagnose import add_diagnose
from CardiacBiomechLib.cli.engine_choice import preset_line, progress_on_terminal
from CardiacBiomechLib.cli.practice import add_practice
from CardiacBiomechLib.cli.report_file import check_report, write_report
from CardiacBiomechLib.cli.segment import add_segment
from CardiacBiomechLib.cli.track import add_track

REGISTRATION_SCHEMA = "thoraxai.cardiac-registration/1"
DESCRIPTIONS = {
    "train-registration": "Without options: the recipe of the shipped cascade. A training that was stopped goes on "
    "when the same command is given again.",
    "train-segmentation": "The recipe of the shipped network, with --people a folder of labeled slices (Sunnybrook). "
    "A training that was stopped goes on when the same command is given again.",
}


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``cardiac`` with all its commands."""
    cardiac = modules.add_parser("cardiac", help="motion of the heart in cine MR")
    commands = cardiac.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_analyze(commands)
    add_compare(commands)
    add_diagnose(commands)
    add_practice(commands)
    add_segment(commands)
    add_track(commands)
    for name, request, run, text in (
        ("propagate", PropagateRequest, _propagate, "carry the labels of one frame to another"),
        ("register", RegisterRequest, _register, "find the field that makes one frame look like another"),
        ("phantom", PhantomFilesRequest, _phantom, "write a cine of a heart whose motion is known exactly"),
        ("train-registration", TrainRegistrationRequest, _train, "train the registration cascade on phantoms"),
        (
            "train-segmentation",
            TrainSegmentationRequest,
            _train_segmentation,
            "train the segmenter on synthetic ones",
        ),
    ):
        parser = commands.add_parser(name, help=text, description=DESCRIPTIONS.get(name))
        request.add_arguments(parser)
        parser.set_defaults(run=run)


def _propagate(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.analysis.carry import carry
    from ThoraxAILib.io.transform_files import check_writable, write_field, write_labels

    request = PropagateRequest.from_arguments(arguments)
    check_writable(request.output, "labels")
    _check_extras(request)
    engine = request.engine.choose()
    moving, labels, fixed = (_read(path) for path in (request.moving_image, request.moving_label, request.fixed_image))
    progress = progress_on_terminal(arguments)
    helped = carry(moving, labels, fixed, engine.made, request.labels, request.guide, request.segmenter, progress)
    result = helped.propagation
    write_labels(result.labels, request.output)
    if request.field is not None:
        write_field(result.field, request.field)
    report = helped.as_json(request.guide)
    write_report(request.report, {**request.engine.reported(engine), **report})
    print(preset_line(request.engine, engine.name))
    print(f"labels written to {request.output}; {'with' if helped.used else 'without'} a segmenter: {helped.reason}")
    for part, ejection in report["ejection"].items():
        print(
            f"{part}: EF {ejection['from_labels']['ef_percent']:.1f} % from labels, "
            f"{ejection['from_motion']['ef_percent']:.1f} % from motion"
        )
    return 0


def _register(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.io.transform_files import check_writable, write_field, write_image
    from ThoraxAILib.registration.field import CONVENTION, warp_image
    from ThoraxAILib.registration.quality import assess

    request = RegisterRequest.from_arguments(arguments)
    if request.output is not None:
        check_writable(request.output, "image")
    _check_extras(request)
    engine = request.engine.choose()
    moving, fixed = _read(request.moving_image), _read(request.fixed_image)
    found = engine.made.register(fixed, moving, None, progress_on_terminal(arguments))
    if request.output is not None:
        write_image(warp_image(moving, found.field), request.output)
    if request.field is not None:
        write_field(found.field, request.field)
    quality = assess(found.field, increments=list(found.increments))
    write_report(
        request.report,
        {
            "schema": REGISTRATION_SCHEMA,
            **request.engine.reported(engine),
            "convention": CONVENTION,
            "quality": quality.as_json(),
            "seconds": round(found.seconds, 2),
        },
    )
    print(preset_line(request.engine, engine.name))
    print(f"registered in {found.seconds:.1f} s, folded {quality.folded_percent:.3f} % of voxels")
    return 0


def _phantom(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.synthesis.files import write_phantom_cine

    request = PhantomFilesRequest.from_arguments(arguments)
    strain = write_phantom_cine(request.phantom, request.output, progress_on_terminal(arguments))
    print(
        f"phantom written to {request.output}: Err {strain.radial:.3f}, Ecc {strain.circumferential:.3f}, "
        f"Ell {strain.longitudinal:.3f} at end-systole"
    )
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.networks.weights_file import require_torch, sha256

    require_torch("Registration cascades")
    from CardiacBiomechLib.training.cascade_training import CascadeTraining

    request = TrainRegistrationRequest.from_arguments(arguments)
    training = CascadeTraining(request.output, request.options, request.settings)
    weights = request.output / "cine_cascade.pt"
    training.finish(weights, progress_on_terminal(arguments))
    print(f"weights written to {weights}, sha256 {sha256(weights)}")
    return 0


def _train_segmentation(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.networks.weights_file import require_torch, sha256

    require_torch("Segmentation networks")
    from CardiacBiomechLib.segmentation.prediction import WEIGHTS
    from CardiacBiomechLib.segmentation.slice_network import SliceNetworkSettings
    from CardiacBiomechLib.training.segmentation_training import SegmentationTraining

    request = TrainSegmentationRequest.from_arguments(arguments)
    training = SegmentationTraining(request.output, request.options, SliceNetworkSettings())
    weights = request.output / WEIGHTS.name
    training.finish(weights, progress_on_terminal(arguments))
    print(f"weights written to {weights}, sha256 {sha256(weights)}")
    return 0


def _read(path: Path):
    from ThoraxAILib.io import read_volume

    return read_volume(path, modalities=("MR",))


def _check_extras(request: PropagateRequest | RegisterRequest) -> None:
    from ThoraxAILib.io.transform_files import check_writable

    if request.field is not None:
        check_writable(request.field, "field")
    check_report(request.report)
