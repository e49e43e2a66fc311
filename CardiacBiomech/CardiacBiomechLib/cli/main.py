"""``thoraxai cardiac ...``: propagate, track, register, phantom, train-registration; heavy imports happen inside."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from CardiacBiomechLib.cli.engine_choice import (
    add_engine_choice,
    chosen_engine,
    engine_report,
    preset_line,
    progress_on_terminal,
)
from CardiacBiomechLib.cli.track import add_track
from ThoraxAILib.errors import InputError


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``cardiac`` with all its commands."""
    cardiac = modules.add_parser("cardiac", help="motion of the heart in cine MR")
    commands = cardiac.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_propagate(commands.add_parser("propagate", help="carry the labels of one frame to another"))
    add_track(commands)
    _add_register(commands.add_parser("register", help="find the field that makes one frame look like another"))
    _add_phantom(commands.add_parser("phantom", help="write a cine of a heart whose motion is known exactly"))
    _add_training(commands.add_parser("train-registration", help="train the registration cascade on phantoms"))


def _add_engine(parser: argparse.ArgumentParser) -> None:
    add_engine_choice(parser)
    parser.add_argument(
        "--field",
        type=Path,
        metavar="FILE",
        help="field as .nrrd, .nii.gz, .mha, .h5 or .tfm; opens in Slicer as a grid transform",
    )
    parser.add_argument("--report", type=Path, metavar="JSON", help="quality of the field, volumes, ejection fraction")


def _add_propagate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("moving_image", type=Path, metavar="MOVING_IMAGE")
    parser.add_argument("moving_label", type=Path, metavar="MOVING_LABEL")
    parser.add_argument("fixed_image", type=Path, metavar="FIXED_IMAGE")
    parser.add_argument("--output", type=Path, required=True, metavar="LABEL", help="labels of the fixed image")
    parser.add_argument(
        "--labels",
        default="auto",
        metavar="auto|acdc|ukbb",
        help="which value is which part; values are kept as they are",
    )
    _add_engine(parser)
    parser.set_defaults(run=_propagate)


def _add_register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("moving_image", type=Path, metavar="MOVING_IMAGE")
    parser.add_argument("fixed_image", type=Path, metavar="FIXED_IMAGE")
    parser.add_argument("--output", type=Path, metavar="IMAGE", help="the moving image as the fixed one sees it")
    _add_engine(parser)
    parser.set_defaults(run=_register)


def _add_phantom(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--group", default="NOR", metavar="NOR|DCM|HCM|MINF|RV", help="disease group (NOR)")
    parser.add_argument("--frames", type=int, default=2, metavar="N", help="2: ED and ES; more: the whole cycle")
    parser.add_argument("--slice-mm", type=float, default=8.0, help="slice distance (8)")
    parser.add_argument("--texture", type=float, default=0.0, help="speckle that moves with the tissue (0)")
    parser.add_argument("--noise", type=float, default=25.0, metavar="SNR", help="signal-to-noise ratio (25)")
    parser.add_argument("--shift-mm", type=float, default=0.0, help="largest shift of a slice between breath-holds (0)")
    parser.add_argument("--organs", type=float, default=0.0, help="contrast of organs around the heart, 0 to 1 (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(run=_phantom)


def _add_training(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Without options: the recipe of the shipped cascade. A training that was stopped goes on "
        "when the same command is given again."
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="phantoms, checkpoint and weights")
    parser.add_argument("--steps", type=int, default=1000, help="of one pair each (1000)")
    parser.add_argument("--hearts", type=int, default=160, help="how many phantoms to draw from (160)")
    parser.add_argument("--seed", type=int, default=1000, help="of weights, phantoms and their order (1000)")
    parser.add_argument(
        "--factors",
        type=int,
        nargs="+",
        default=[4, 2, 2],
        metavar="N",
        help="in-plane shrink factor of each network (4 2 2)",
    )
    parser.add_argument("--composition", default="sum", metavar="sum|compose", help="how fields are combined (sum)")
    parser.add_argument("--regularizer", default="neo-hookean", metavar="neo-hookean|diffusion|bending")
    parser.add_argument("--threads", type=int, default=1, help="another number gives slightly other weights (1)")
    parser.set_defaults(run=_train)


def _propagate(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.motion.propagate import propagate
    from ThoraxAILib.io.transform_files import check_writable, write_field, write_labels

    check_writable(arguments.output, "labels")
    _check_extras(arguments)
    moving, labels, fixed = (
        _read(path) for path in (arguments.moving_image, arguments.moving_label, arguments.fixed_image)
    )
    engine = chosen_engine(arguments)
    result = propagate(moving, labels, fixed, engine.made, arguments.labels, progress=progress_on_terminal(arguments))
    write_labels(result.labels, arguments.output)
    if arguments.field is not None:
        write_field(result.field, arguments.field)
    report = result.as_json()
    _write_report(arguments.report, {**engine_report(engine, arguments), **report})
    print(preset_line(arguments))
    print(f"labels written to {arguments.output}")
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

    if arguments.output is None and arguments.field is None and arguments.report is None:
        raise InputError("Nothing would be written: name at least one of --output, --field and --report.")
    if arguments.output is not None:
        check_writable(arguments.output, "image")
    _check_extras(arguments)
    moving, fixed = _read(arguments.moving_image), _read(arguments.fixed_image)
    engine = chosen_engine(arguments)
    found = engine.made.register(fixed, moving, None, progress_on_terminal(arguments))
    if arguments.output is not None:
        write_image(warp_image(moving, found.field), arguments.output)
    if arguments.field is not None:
        write_field(found.field, arguments.field)
    quality = assess(found.field, increments=list(found.increments))
    _write_report(
        arguments.report,
        {
            **engine_report(engine, arguments),
            "convention": CONVENTION,
            "quality": quality.as_json(),
            "seconds": round(found.seconds, 2),
        },
    )
    print(preset_line(arguments))
    print(f"registered in {found.seconds:.1f} s, folded {quality.folded_percent:.3f} % of voxels")
    return 0


def _phantom(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.synthesis.files import PhantomRequest, write_phantom_cine

    request = PhantomRequest(
        arguments.group,
        arguments.frames,
        arguments.slice_mm,
        arguments.texture,
        arguments.noise,
        arguments.shift_mm,
        arguments.organs,
        arguments.seed,
    )
    strain = write_phantom_cine(request, arguments.output, progress_on_terminal(arguments))
    print(
        f"phantom written to {arguments.output}: Err {strain.radial:.3f}, Ecc {strain.circumferential:.3f}, "
        f"Ell {strain.longitudinal:.3f} at end-systole"
    )
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.networks.weights_file import require_torch, sha256

    require_torch("Registration cascades")
    from CardiacBiomechLib.training.cascade_training import CascadeTraining, TrainingOptions
    from ThoraxAILib.registration.cascade.settings import CascadeSettings

    options = TrainingOptions(
        steps=arguments.steps,
        hearts=arguments.hearts,
        seed=arguments.seed,
        regularizer=arguments.regularizer,
        threads=arguments.threads,
    )
    settings = CascadeSettings(factors=tuple(arguments.factors), composition=arguments.composition)
    training = CascadeTraining(arguments.output, options, settings)
    weights = arguments.output / "cine_cascade.pt"
    training.run(weights, progress_on_terminal(arguments))
    print(f"weights written to {weights}, sha256 {sha256(weights)}")
    return 0


def _read(path: Path):
    from ThoraxAILib.io import read_volume

    return read_volume(path, modalities=("MR",))


def _check_extras(arguments: argparse.Namespace) -> None:
    from ThoraxAILib.io.transform_files import check_writable

    if arguments.field is not None:
        check_writable(arguments.field, "field")
    if arguments.report is not None and not arguments.report.parent.is_dir():
        raise InputError(f"The folder for '{arguments.report.name}' does not exist: make it or choose another place.")


def _write_report(path: Path | None, content: dict) -> None:
    if path is not None:
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(json.dumps(content, indent=2, allow_nan=False), encoding="utf-8")
        partial.replace(path)
