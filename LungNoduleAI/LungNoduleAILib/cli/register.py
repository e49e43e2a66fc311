"""``thoraxai lung register PRIOR CURRENT --output DIR``: align two chest CTs and list what changed."""

from __future__ import annotations

import argparse
from pathlib import Path

from ThoraxAILib.jobs.events import telling_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import DEVICES


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``register``."""
    parser = commands.add_parser("register", help="align two CTs of one person and show what changed in the lungs")
    add = parser.add_argument
    add("prior", type=Path, metavar="PRIOR", help="the older CT: DICOM folder, NRRD, NIfTI or MetaImage file")
    add("current", type=Path, metavar="CURRENT", help="the newer CT")
    add("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--anatomy", default="auto", metavar="NAME", help="what finds the lungs (default auto)")
    add("--device", default="auto", metavar="|".join(DEVICES), help="where learned models run")
    add("--fine", action="store_true", help="one level more, at 2 mm: twice the time")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores but one, at most 4)")
    add("--events", metavar="FILE|-", help="progress as JSON lines, to a file or standard output")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with telling_errors(arguments.events) as events:
        from LungNoduleAILib.cases.register_case import RegisterRequest, register_case
        from LungNoduleAILib.model.registration_options import LungRegistrationOptions

        options = LungRegistrationOptions(fine=arguments.fine, threads=arguments.threads)
        request = RegisterRequest(
            arguments.prior, arguments.current, arguments.output, options, arguments.anatomy, arguments.device
        )
        told = register_case(request, Progress(events.progress, arguments.is_cancelled))
        if not events.own_stdout:
            print("\n".join([*told, f"Results lie in {arguments.output}."]))
        events.result(arguments.output)
    return 0
