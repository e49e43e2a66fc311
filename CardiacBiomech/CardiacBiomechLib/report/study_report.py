"""The report of one study: one HTML file that needs nothing else and prints well."""

from __future__ import annotations

from pathlib import Path

from CardiacBiomechLib.analysis.study import StudyResult
from CardiacBiomechLib.model.study import Chamber, Study
from CardiacBiomechLib.report.bulls_eye import bulls_eye, measures
from CardiacBiomechLib.report.curves import charts
from CardiacBiomechLib.report.diagnosis_section import diagnosis_content
from CardiacBiomechLib.report.study_contours import study_contours
from CardiacBiomechLib.report.study_summary import stiffness_sentences, stiffness_words
from ThoraxAILib.report.page import Figure, Table, number, render_page
from ThoraxAILib.report.slices import Picture

TEMPLATE = Path(__file__).parent / "templates" / "study.html"
NAMES = {
    "lv_edv_ml": "LV end-diastolic volume, mL",
    "lv_ef_percent": "LV ejection fraction, %",
    "lv_mass_g": "LV mass, g",
    "rv_edv_ml": "RV end-diastolic volume, mL",
    "rv_esv_ml": "RV end-systolic volume, mL",
    "lv_edv_index_ml_m2": "LV end-diastolic volume index, mL/m²",
    "lv_esv_index_ml_m2": "LV end-systolic volume index, mL/m²",
    "lv_mass_index_g_m2": "LV mass index, g/m²",
}


def write_study_report(path: Path, result: StudyResult, run: dict, name: str) -> None:
    """Write the report; ``run`` is the content of run.json so far, ``name`` that of the study's folder."""
    study = result.study
    import numpy as np

    sheet = Picture(study_contours(result), np.zeros((3, 4)), 1.0)
    text = render_page(
        TEMPLATE,
        f"Cine study: {name}",
        function=_function(study),
        normal=_normal(study),
        normal_words=study.normal.get("source", {}),
        verdicts=[{"severity": verdict.severity, "text": verdict.text} for verdict in study.quality],
        facts=_facts(study),
        notes=list(study.notes),
        charts=charts(result),
        contours=Figure.of(
            sheet, "Outlines: LV red, wall green, RV blue; rows from base to apex, columns over the cycle"
        ),
        diagnosis=diagnosis_content(study),
        bulls_eyes=[Figure.of(bulls_eye(study.segments, measure), measure.title) for measure in measures(study)],
        segments=_segments(study),
        strain=_strain(study),
        valve_planes=_valve_planes(study),
        stiffness_words=study.strain.get("stiffness"),
        stiffness=_stiffness(study),
        stiffness_reasons=stiffness_sentences(study.stiffness),
        stages=_stages(run),
        models=", ".join(f"{model['role']}: {model['name']} ({model['fingerprint']})" for model in run["models"]),
        methods=study.methods,
    )
    path.write_text(text, encoding="utf-8")


def _function(study: Study) -> Table:
    def row(name: str, chamber: Chamber) -> tuple[str, ...]:
        spread = chamber.ef_range_percent
        ef = number(chamber.ef_percent, 0)
        if spread is not None and spread[1] - spread[0] > 5:
            ef = f"{number(spread[0], 0)} to {number(spread[1], 0)}"
        return (name, number(chamber.edv_ml, 0), number(chamber.esv_ml, 0), number(chamber.stroke_ml, 0), ef)

    rows = [(*row("Left ventricle", study.lv), number(study.mass_g, 0))]
    if study.rv is not None:
        rows.append((*row("Right ventricle", study.rv), "–"))
    head = (
        ("", False), ("EDV, mL", True), ("ESV, mL", True), ("Stroke, mL", True), ("EF, %", True), ("Mass, g", True),
    )  # fmt: skip
    return Table.of(head, rows)


def _normal(study: Study) -> Table | None:
    rows = [
        (NAMES[name], number(entry["value"]), f"{number(entry['low'])} to {number(entry['high'])}", entry["verdict"])
        for name, entry in study.normal.items()
        if name in NAMES
    ]
    head = (("", False), ("Value", True), ("Normal range", True), ("", False))
    return Table.of(head, rows) if rows else None


def _facts(study: Study) -> Table:
    rows = [
        ("Read", study.source or f"{study.frames} frames"),
        ("End-diastole, end-systole", f"frames {study.ed_frame} and {study.es_frame} of {study.frames}"),
        ("Labels", study.methods["labels"]),
        ("Base", study.methods["base_convention"]),
        ("Papillary muscles", study.methods["papillary_muscles"]),
    ]
    if "surface_m2" in study.indices:
        rows.append(("Body surface", f"{study.indices['surface_m2']:.2f} m² ({study.methods['body_surface']})"))
    return Table.of((("", False), ("", False)), rows)


def _segments(study: Study) -> Table:
    def percent(value: float | None) -> str:
        return "–" if value is None else number(100.0 * value, 0)

    rows = [
        (
            str(row.number),
            row.name,
            number(row.thickness_ed_mm),
            number(row.thickness_es_mm),
            number(row.thickening_percent, 0),
            percent(row.peak["circumferential"]),
            percent(row.peak["radial"]),
            number(row.time_to_peak_ms, 0),
            "–" if row.stiffness is None else "{:.2f} ({:.2f} to {:.2f})".format(*row.stiffness),
        )
        for row in study.segments
    ]
    head = (
        ("", True), ("Segment", False), ("Thickness ED, mm", True), ("ES, mm", True), ("Thickening, %", True),
        ("Peak Ecc, % (Green-Lagrange)", True), ("Peak Err, %", True), ("Time to peak Ecc, ms", True),
        ("Apparent stiffness index (95 %)", True),
    )  # fmt: skip
    return Table.of(head, rows)


def _strain(study: Study) -> Table | None:
    rows = []
    for name in ("circumferential", "radial"):
        if name in study.strain:
            entry = study.strain[name]
            rows.append(
                (
                    f"Global {name}, short axis",
                    number(100 * entry["peak"]),
                    number(100 * entry["peak_engineering"]),
                    str(entry["peak_frame"]),
                )
            )
    if study.long_axis is not None:
        gls = study.long_axis["global_longitudinal_strain"]
        rows.append(("Global longitudinal, endocardium in long-axis views", "–", number(100 * gls), "–"))
    head = (("", False), ("Peak, % (Green-Lagrange)", True), ("Peak, % (engineering)", True), ("Frame", True))
    return Table.of(head, rows) if rows else None


def _valve_planes(study: Study) -> Table | None:
    if study.long_axis is None:
        return None
    rows = [
        (name, number(study.long_axis[key]))
        for name, key in (("Mitral", "mitral_excursion_mm"), ("Tricuspid", "tricuspid_excursion_mm"))
        if study.long_axis[key] is not None
    ]
    return Table.of((("Valve plane", False), ("Excursion, mm", True)), rows)


def _stiffness(study: Study) -> Table | None:
    if not study.stiffness:
        return None
    rows = [
        (row["sector"], *(stiffness_words(row, estimate) for estimate in ("apparent", "virtual_fields")))
        for row in study.stiffness["sectors"]
    ]
    return Table.of((("Sector", False), ("Apparent index (95 %)", True), ("Virtual fields (95 %)", True)), rows)


def _stages(run: dict) -> Table:
    head = (("Stage", False), ("Seconds", True), ("Memory, MB", True))
    rows = [(entry["name"], number(entry["seconds"], 1), number(entry["peak_mb"], 0)) for entry in run["stages"]]
    return Table.of(head, rows)
