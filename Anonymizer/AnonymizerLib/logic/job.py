"""A de-identification as a child process: the command line is the worker, so panel and batch run the same code."""

from __future__ import annotations

from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE
from AnonymizerLib.run.request import COMMAND, AnonymizeRequest
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_command, child_environment

PACKAGES = ("ThoraxAILib", "AnonymizerLib")


def anonymize_job(request: AnonymizeRequest, password: str = "") -> ChildJob:
    """Make a job, not yet started; its password goes through the environment, never through the command line."""
    environment = child_environment(PACKAGES)
    environment.pop(PASSWORD_VARIABLE, None)
    if password:
        environment[PASSWORD_VARIABLE] = password
    return ChildJob(child_command(COMMAND, request), environment)
