"""A de-identification as a child process: the command line is the worker, so panel and batch run the same code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter

PACKAGES = ("ThoraxAILib", "AnonymizerLib")


@dataclass(frozen=True)
class JobRequest:
    """What a person chose in the panel."""

    source: Path
    output: Path
    profile: str = "basic"
    options: Sequence[str] = ()
    rules: Path | None = None
    key: Path | None = None
    boxes: Sequence[Box] = ()
    accept_pixels: bool = False
    approve_faces: bool = False
    jobs: int = 1

    def arguments(self) -> list[str]:
        """The command line after ``thoraxai``."""
        found = [
            "anonymize",
            str(self.source),
            str(self.output),
            "--profile",
            self.profile,
            "--jobs",
            str(self.jobs),
            "--events",
            "-",
            "--quarantine-ok",
        ]
        if self.options:
            found += ["--options", *self.options]
        for name, path in (("--rules", self.rules), ("--key", self.key)):
            if path is not None:
                found += [name, str(path)]
        for box in self.boxes:
            found += ["--blank", f"{box.left},{box.top},{box.width},{box.height}"]
        found += ["--accept-pixels"] if self.accept_pixels else []
        return [*found, "--approve-faces"] if self.approve_faces else found


def anonymize_job(request: JobRequest, password: str = "") -> ChildJob:
    """A job, not yet started; the password reaches it through its environment, never through its command line."""
    environment = child_environment(PACKAGES)
    environment.pop(PASSWORD_VARIABLE, None)
    if password:
        environment[PASSWORD_VARIABLE] = password
    return ChildJob([python_interpreter(), "-m", "ThoraxAILib", *request.arguments()], environment)
