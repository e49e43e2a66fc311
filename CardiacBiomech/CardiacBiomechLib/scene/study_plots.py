"""Curves of a study as Slicer shows them: one table over time, a chart of volumes and a chart of strain."""

from __future__ import annotations

from CardiacBiomechLib.analysis.study import StudyResult
from CardiacBiomechLib.mechanics.wall_motion import DIRECTIONS
from ThoraxAILib.scene.plots import chart_nodes
from ThoraxAILib.scene.tables import Column, table_node

TIME = "time"
STRAINS = ("radial", "circumferential")


def curve_nodes(name: str, result: StudyResult) -> list:
    """Return new nodes: the table of a study's curves, and charts with their lines where the frames are a curve."""
    study = result.study
    unit = "frame" if study.times_ms is None else "ms"
    times = list(range(1, study.frames + 1)) if study.times_ms is None else list(study.times_ms)
    volumes = [Column("LV", list(study.lv.curve_ml), "mL")]
    if study.rv is not None:
        volumes.append(Column("RV", list(study.rv.curve_ml), "mL"))
    strains = [Column(word, _strain(result, word), "", "Green-Lagrange") for word in STRAINS if result.wall]
    table = table_node(f"{name} curves", [Column(TIME, times, unit), *volumes, *strains])
    made = [table]
    if not study.has_curves:
        return made
    axis = "frame" if study.times_ms is None else "ms after the R wave"
    for columns, word, y in ((volumes, "volume", "mL"), (strains, "global strain", "Green-Lagrange")):
        if columns:
            titles = (f"{word.capitalize()} (research use only)", axis, y)
            chart, series = chart_nodes(f"{name} {word}", table, TIME, [column.name for column in columns], titles)
            made += [chart, *series]
    return made


def _strain(result: StudyResult, direction: str) -> list[float]:
    return [float(frame.global_strain[DIRECTIONS.index(direction)]) for frame in result.wall]
