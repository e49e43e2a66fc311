"""Open saved scenes of unknown origin: unpacked by own code, judged, then loaded by Slicer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ThoraxAILib.archives.unpack import unpacked
from ThoraxAILib.scene.files.judging import ARCHIVE_ENDING, require_safe_scene, scene_in


@contextmanager
def safe_description(path: Path) -> Iterator[Path]:
    """Yield scene description (.mrml) to load for a .mrb or .mrml file; of a .mrb it lies in a folder that goes again.

    Raises InputError or OutputError with one sentence when the scene must not be loaded.
    """
    if not path.name.lower().endswith(ARCHIVE_ENDING):
        require_safe_scene(path, path.name, repack=False)
        yield path
        return
    with unpacked(path) as folder:
        description = scene_in(folder, path.name)
        require_safe_scene(description, path.name, repack=True)
        yield description
