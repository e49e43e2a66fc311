"""A patient folder of the ACDC challenge: Info.cfg, the cine or its two labeled frames, and the readers' labels.

Keys of Info.cfg come in any order and with any line ends; ``Group`` lacks in old releases of the test set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.cine.image_frames import read_frames, read_image_frames
from CardiacBiomechLib.cine.read_cine import frame_files, one_beat, read_cine
from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

INFO = "Info.cfg"
MAX_BYTES = 4096


@dataclass(frozen=True, eq=False)
class AcdcPatient:
    """Frames (index) of end-diastole and end-systole, group, height and weight; labels by frame where there are any."""

    cine: Cine
    ed: int
    es: int
    group: str
    height_cm: float | None
    weight_kg: float | None
    labels: dict[int, Volume]


def is_patient(folder: Path) -> bool:
    """Whether a folder is one of ACDC."""
    return folder.is_dir() and (folder / INFO).is_file()


def patients_below(folder: Path) -> list[Path]:
    """Return the patient folders directly in a folder, or one level deeper as in training/ and testing/."""
    found = sorted(path.parent for pattern in (f"*/{INFO}", f"*/*/{INFO}") for path in folder.glob(pattern))
    return found


def read_info(folder: Path) -> dict[str, str]:
    """Return the keys of Info.cfg; raises InputError for one without both frames."""
    text = (folder / INFO).read_bytes()[:MAX_BYTES].decode("utf-8", "replace")
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    info = {key.strip(): value.strip() for key, _, value in pairs}
    for key in ("ED", "ES"):
        if not info.get(key, "").isdigit() or int(info[key]) < 1:
            raise InputError(f"'{folder.name}/{INFO}' does not name frame {key}: add a line as '{key}: 1'.")
    return info


def read_patient(folder: Path) -> AcdcPatient:
    """Read a patient; the whole cine when it is there, else its two labeled frames. Raises InputError."""
    info = read_info(folder)
    numbers = int(info["ED"]), int(info["ES"])
    whole = sorted(folder.glob("*_4d.nii*"))
    if whole:
        cine = read_cine(whole[0])
        ed, es = (cine.index(number) for number in numbers)
        places = {numbers[0]: ed, numbers[1]: es}
    else:
        files = frame_files(folder)
        lacking = [number for number in numbers if number not in files]
        if lacking:
            raise InputError(f"'{folder.name}' lacks the image of frame {lacking[0]}: copy the whole folder.")
        frames = tuple(read_frames(files[number])[0] for number in numbers)
        cine = one_beat(Cine(frames, None, (), f"Frames {numbers[0]} and {numbers[1]} of an ACDC folder."))
        ed, es = 0, 1
        places = {numbers[0]: 0, numbers[1]: 1}
    labels = {}
    for number, index in places.items():
        found = sorted(folder.glob(f"*frame{number:02d}_gt.nii*"))
        if found:
            labels[index] = read_image_frames(found[0], is_labels=True).frames[0]
    return AcdcPatient(cine, ed, es, info.get("Group", ""), _number(info, "Height"), _number(info, "Weight"), labels)


def _number(info: dict[str, str], key: str) -> float | None:
    try:
        value = float(info.get(key, ""))
    except ValueError:
        return None
    return value if value > 0 else None
