"""What a de-identification is asked, as a person types it and as the panel asks it of a child process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE
from AnonymizerLib.profile.options import OPTION_BY_LABEL
from AnonymizerLib.profile.presets import PRESETS
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option

COMMAND = ("anonymize",)


@dataclass(frozen=True)
class AnonymizeRequest(Options):
    """Which folder, by which profile, and where the results go.

    ``accept_pixels`` and ``approve_faces`` mean that a person has looked; ``key`` keeps pseudonyms the same over runs.
    """

    source: Path = option(help="folder with DICOM files, or a scene", positional=True, metavar="IN")
    output: Path = option(help="new folder for the result", positional=True, metavar="OUT")
    profile: str = option("basic", "; ".join(f"{name}: {text}" for name, (text, _, _) in PRESETS.items()), metavar="P")
    options: tuple[str, ...] = option((), "more options: " + ", ".join(sorted(OPTION_BY_LABEL)), metavar="O")
    rules: Path | None = option(None, "own rules in YAML: keep, remove, replace, blank", metavar="FILE")
    key: Path | None = option(
        None,
        "project key, made when it does not exist; without it a key is thrown away after the run. Its password comes "
        f"from {PASSWORD_VARIABLE} or is asked for",
        metavar="FILE",
    )
    patients: Path | None = option(
        None,
        "own pseudonyms: rows of original,pseudonym[,same]; an original is an ID, ID@issuer or a Study Instance UID",
        metavar="CSV",
    )
    prefix: str = option("P", "how pseudonyms begin", metavar="TEXT")
    jobs: int = option(1, "processes", label="number of jobs", at_least=1)
    blank: tuple[Box, ...] = option(
        (), "blank this rectangle in doubtful images", label="region to blank", metavar="L,T,W,H"
    )
    accept_pixels: bool = option(False, "doubtful images pass: a person has looked at all of them")
    use_ocr: bool = option(True, "do not read burned-in text with tesseract", flag="--no-ocr")
    approve_faces: bool = option(False, "a person has seen the pictures of the removed faces")
    dicomdir: Path | None = option(
        None,
        "also copy the result into this new folder with a new DICOMDIR; one of the input is always left out",
        metavar="DIR",
    )
    quarantine_ok: bool = option(False, "exit status 0 also when something waits (for other programs)")
    private: Path | None = option(None, "folder for journal and quarantine list (default OUT-private)", metavar="DIR")

    def __post_init__(self) -> None:
        super().__post_init__()
        for box in self.blank:
            if box.width < 1 or box.height < 1:
                raise InputError(
                    f"The region of {box.width} x {box.height} pixels has no area: width and height must be positive."
                )

    @property
    def option_labels(self) -> list[str]:
        """The names of the further options; several may stand in one word, with commas between them."""
        return [label for word in self.options for label in word.split(",") if label]
