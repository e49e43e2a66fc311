"""Open a folder of annotated CT by what lies there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from LungNoduleAILib.datasets.training_case import MIN_READERS, TrainingCase, TrainingData
from ThoraxAILib.errors import InputError


def open_training_data(path: Path, least_readers: int = MIN_READERS) -> TrainingData:
    """Return data at ``path`` by what lies there: dataset.json (MSD, nnU-Net), annotations.csv (LUNA16), XML (LIDC).

    ``least_readers`` is how many LIDC readers must agree on a nodule. Raises InputError for anything else.
    """
    from LungNoduleAILib.datasets.lidc import LidcData
    from LungNoduleAILib.datasets.luna16 import LunaData
    from LungNoduleAILib.datasets.msd import MsdData

    path = Path(path)
    if not path.is_dir():
        raise InputError(f"'{path.name}' is no folder: give the folder of a LUNA16, LIDC or MSD-style data set.")
    if not 1 <= least_readers <= 4:
        raise InputError(f"Between 1 and 4 readers can be asked to agree, {least_readers} was given.")
    if MsdData.is_at(path):
        return MsdData(path)
    if LunaData.is_at(path):
        return LunaData(path)
    if LidcData.is_at(path):
        return LidcData(path, least_readers)
    raise InputError(
        f"'{path.name}' holds no annotations this program reads: it looks for dataset.json (MSD, "
        "nnU-Net), annotations.csv (LUNA16) or XML files of LIDC."
    )


def load_training_cases(
    path: Path, least_readers: int = MIN_READERS, on_problem: Callable[[str, InputError], None] | None = None
) -> Iterator[TrainingCase]:
    """Every case at ``path``, read when its turn comes; a case that cannot be used goes to ``on_problem`` or raises."""
    return each_case(open_training_data(path, least_readers), on_problem)


def each_case(
    data: TrainingData, on_problem: Callable[[str, InputError], None] | None = None
) -> Iterator[TrainingCase]:
    """Yield the cases of opened data, as ``load_training_cases`` gives them."""
    for name in data.names:
        try:
            case = data.load(name)
        except InputError as error:
            if on_problem is None:
                raise
            on_problem(name, error)
            continue
        yield case
