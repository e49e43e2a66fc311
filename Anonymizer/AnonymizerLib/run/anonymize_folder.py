"""A folder is de-identified as the options ask: one way for the command line, the panel's child process and scripts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from AnonymizerLib.identity.identities import read_patient_table
from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE, load_key, save_key
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.pixels.clean import PixelPolicy
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.profile.rules import read_rules
from AnonymizerLib.run.dicomdir import check_medium, write_medium
from AnonymizerLib.run.request import AnonymizeOptions
from AnonymizerLib.run.run import RunOptions, RunResult, run
from AnonymizerLib.run.worker import WorkerSettings
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress

AskPassword = Callable[[Path, bool], str]


def chosen_profile(options: AnonymizeOptions) -> Profile:
    """Make the profile of preset, options and rules; regions to blank imply the option that blanks them."""
    labels = options.option_labels
    rules = read_rules(options.rules) if options.rules else None
    if options.blank or (rules is not None and rules.regions):
        labels.append(Option.CLEAN_PIXELS.label)
    return profile_named(options.profile, labels, rules)


def anonymize_folder(
    source: Path,
    output: Path,
    options: AnonymizeOptions,
    ask_password: AskPassword,
    progress: Progress,
    is_isolated: bool = False,
) -> tuple[RunResult, WorkerSettings]:
    """De-identify a folder; what became of it, and the profile, key and policy it was done with.

    ``ask_password`` is given the key file and whether it is new, where the environment does not hold its password.
    ``is_isolated``: see RunOptions. Raises InputError before anything is written when something cannot be used.
    """
    profile = chosen_profile(options)
    regions = profile.rules.regions if profile.rules else ()
    policy = PixelPolicy(regions, options.blank, options.use_ocr, options.accept_pixels)
    patients = read_patient_table(options.patients) if options.patients else {}
    check_key_place(options.key, source, output)
    if options.dicomdir:
        check_medium(options.dicomdir, source, output)
    key = project_key(options.key, ask_password)
    settings = WorkerSettings(source, output, profile, key, policy, patients, options.prefix)
    result = run(RunOptions(settings, options.jobs, options.private, options.approve_faces, is_isolated), progress)
    if options.dicomdir:
        write_medium([output / name for name in result.outputs], options.dicomdir)
    return result, settings


def check_key_place(key: Path | None, source: Path, output: Path) -> None:
    """Refuse a key beside the results, which would make their pseudonyms worthless, or in the input; InputError."""
    if key is None:
        return
    around = key.resolve().parents
    if output.resolve() in around:
        raise InputError("The project key must not lie in the output folder: keep it apart from the results.")
    if source.resolve() in around:
        raise InputError("The project key must not lie in the input folder: keep it apart from the images.")


def project_key(path: Path | None, ask_password: AskPassword) -> ProjectKey:
    """Open the project key, make it anew, or without a file make one that is thrown away.

    The password comes from the environment, else from ``ask_password``.
    """
    if path is None:
        return ProjectKey.new()
    is_new = not path.exists()
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        password = ask_password(path, is_new)
    if is_new:
        save_key(ProjectKey.new(), path, password)
    return load_key(path, password)
